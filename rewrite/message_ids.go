package rewrite

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
)

// An offset message id is the hexadecimal form of IP address (4 or 16 bytes), port (4 bytes) and commit log offset
// (8 bytes), in capitals (MessageDecoder.java#createMessageId). Clients dial the address in it to view the message.
const (
	idTail = 4 + 8         // bytes behind the address
	idLen4 = 2 * (4 + 12)  // characters
	idLen6 = 2 * (16 + 12) // characters
)

// MessageIDs puts the advertised addresses into a comma list of offset message ids, in place, and keeps the commit log
// offsets: the answer to a send of one message has one id, that to a batch one for each message. Ids with an address
// that lookup does not know stay; when one of them is not an offset message id all do.
func MessageIDs(ids []byte, lookup Lookup) {
	if len(ids) == idLen4 || len(ids) == idLen6 { // else there are several, and none has a comma within
		if own, ok := messageIDAddress(ids); ok {
			advertiseID(ids, own, lookup)
		}
		return
	}
	for id := range bytes.SplitSeq(ids, []byte{','}) {
		if _, ok := messageIDAddress(id); !ok {
			return
		}
	}
	for id := range bytes.SplitSeq(ids, []byte{','}) {
		own, _ := messageIDAddress(id)
		advertiseID(id, own, lookup)
	}
}

func advertiseID(id []byte, own netip.AddrPort, lookup Lookup) {
	if told, ok := lookup.advertise(own); ok {
		putMessageIDAddress(id, told)
	}
}

// messageIDAddress reads the broker's address from an offset message id. An id that clients make (the property UNIQ_KEY)
// has the same length as one with an IPv4 address; most are recognized by an impossible port.
func messageIDAddress(id []byte) (own netip.AddrPort, ok bool) {
	if len(id) != idLen4 && len(id) != idLen6 {
		return own, false
	}
	var raw [idLen6 / 2]byte
	n := len(id) / 2
	if !decodeHex(raw[:n], id) {
		return own, false
	}
	ip, _ := netip.AddrFromSlice(raw[:n-idTail])
	port := binary.BigEndian.Uint32(raw[n-idTail:])
	return netip.AddrPortFrom(ip, uint16(port)), port <= math.MaxUint16
}

func putMessageIDAddress(id []byte, told netip.AddrPort) {
	var raw [hostLen6]byte
	n := putHost(raw[:len(id)/2-8], told)
	encodeHex(id, raw[:n])
}
