package rewrite

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
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
	for id := range bytes.SplitSeq(ids, []byte{','}) {
		if _, ok := messageIDAddress(id); !ok {
			return
		}
	}
	for id := range bytes.SplitSeq(ids, []byte{','}) {
		own, _ := messageIDAddress(id)
		if told, ok := lookup.advertise(own); ok {
			putMessageIDAddress(id, told)
		}
	}
}

// messageIDAddress reads the broker's address from an offset message id. An id that clients make (the property UNIQ_KEY)
// has the same length as one with an IPv4 address; most are told by an impossible port.
func messageIDAddress(id []byte) (own netip.AddrPort, ok bool) {
	if len(id) != idLen4 && len(id) != idLen6 {
		return own, false
	}
	var raw [idLen6 / 2]byte
	n, err := hex.Decode(raw[:], id)
	if err != nil {
		return own, false
	}
	ip, _ := netip.AddrFromSlice(raw[:n-idTail])
	port := binary.BigEndian.Uint32(raw[n-idTail:])
	return netip.AddrPortFrom(ip, uint16(port)), port <= math.MaxUint16
}

func putMessageIDAddress(id []byte, told netip.AddrPort) {
	var raw [hostLen6]byte
	n := putHost(raw[:len(id)/2-8], told)
	for i, b := range raw[:n] {
		id[2*i], id[2*i+1] = "0123456789ABCDEF"[b>>4], "0123456789ABCDEF"[b&15]
	}
}
