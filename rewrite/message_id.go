package rewrite

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strings"
)

// An offset message id is the hexadecimal form of IP address (4 or 16 bytes), port (4 bytes) and commit log offset
// (8 bytes), in capitals (MessageDecoder.java#createMessageId). Clients dial the address in it to view the message.
const (
	idTail  = 4 + 8         // bytes behind the address
	idLenV4 = 2 * (4 + 12)  // characters
	idLenV6 = 2 * (16 + 12) // characters
)

// DecodeMessageID reads an offset message id: the broker's address and the commit log offset. An id that clients
// make (the property UNIQ_KEY) has the same length as one with an IPv4 address; most are told by an impossible port.
func DecodeMessageID(id string) (addr netip.AddrPort, offset int64, ok bool) {
	if len(id) != idLenV4 && len(id) != idLenV6 {
		return netip.AddrPort{}, 0, false
	}
	var buf [idLenV6 / 2]byte
	n, err := hex.Decode(buf[:], []byte(id))
	if err != nil {
		return netip.AddrPort{}, 0, false
	}
	ip, _ := netip.AddrFromSlice(buf[:n-idTail])
	port := binary.BigEndian.Uint32(buf[n-idTail:])
	return netip.AddrPortFrom(ip, uint16(port)), int64(binary.BigEndian.Uint64(buf[n-8:])), port <= 0xffff
}

func appendMessageID(dst []byte, addr netip.AddrPort, offset int64) []byte {
	raw := make([]byte, 0, idLenV6/2)
	raw = append(raw, addr.Addr().Unmap().AsSlice()...)
	raw = binary.BigEndian.AppendUint32(raw, uint32(addr.Port()))
	raw = binary.BigEndian.AppendUint64(raw, uint64(offset))
	for _, b := range raw {
		dst = append(dst, "0123456789ABCDEF"[b>>4], "0123456789ABCDEF"[b&15])
	}
	return dst
}

// MessageIDs puts the advertised address into a comma list of offset message ids, as the answer to a send has
// it, and keeps the commit log offsets. The port must be the advertised one of the broker's place, never a VIP
// listener's: the client takes 2 off by itself (VERIFIED 4.3). The ids come back as they are, with false, when one of
// them is no offset message id. An id takes the length of the address that is put into it.
func MessageIDs(ids string, host netip.Addr, port uint16) (string, bool) {
	if !host.IsValid() {
		return ids, false
	}
	out := make([]byte, 0, len(ids))
	for i, id := range strings.Split(ids, ",") {
		_, offset, ok := DecodeMessageID(id)
		if !ok {
			return ids, false
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = appendMessageID(out, netip.AddrPortFrom(host, port), offset)
	}
	return string(out), true
}
