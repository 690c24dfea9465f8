package rewrite

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
)

// Where things stand in a stored message (MessageDecoder.java): total size 0, magic 4, sysFlag 36, born timestamp 40,
// born host 48 (8 bytes, or 20 with IPv6), store timestamp (8), store host (8 or 20: address, then port in 4 bytes).
const (
	toSysFlag      = 40 // bytes up to and with sysFlag: then all places are known
	hostLen4       = 4 + 4
	hostLen6       = 16 + 4
	maxHead        = toSysFlag + 8 + hostLen6 + 8 + hostLen6 // to the end of the store host
	magicV1        = 0xdaa320a7
	magicV2        = 0xdaa320ab // two-byte topic length
	sysFlagBornV6  = 0x10
	sysFlagStoreV6 = 0x20
	// What at least follows the store host: reconsume times, prepared offset, body, topic and properties lengths.
	messageTail = 4 + 8 + 4 + 1 + 2
	minMessage  = toSysFlag + 8 + hostLen4 + 8 + hostLen4 + messageTail
)

// StoreHosts rewrites the store hosts in a body of stored messages that passes in pieces of any size. It reads the head
// of each message only, never a payload, and keeps the head of one message at most. Begin makes it ready; it may be used
// for one body after another. It belongs to one goroutine.
type StoreHosts struct {
	lookup Lookup
	left   int  // bytes of the body that have not come yet
	skip   int  // of them those before the next message
	off    bool // something unknown came: nothing more is touched

	head     [maxHead]byte // the beginning of a message whose store host is not complete: withheld
	withheld int

	own, told [hostLen6]byte // the last host that was looked up, and what goes there
	ownLen    int
	known     bool
}

// Begin makes s ready for a body of bodyLen bytes.
func (s *StoreHosts) Begin(bodyLen int, lookup Lookup) {
	*s = StoreHosts{lookup: lookup, left: bodyLen}
}

// Rewrite takes the next piece of the body and rewrites it in place. What may be sent now is before, which was withheld
// of earlier pieces (nil nearly always; the caller owns it), and then piece[:ready]. The rest of piece, at most 95
// bytes, is the beginning of a message whose store host is not complete: it is withheld and becomes part of a later
// before. Nothing is withheld at the end of a body, nor once something is malformed.
func (s *StoreHosts) Rewrite(piece []byte) (before []byte, ready int) {
	s.left -= len(piece)
	if s.withheld > 0 {
		if before = s.complete(piece); before == nil {
			return nil, 0
		}
	}
	for !s.off {
		n := min(s.skip, len(piece)-ready)
		s.skip -= n
		if ready += n; ready == len(piece) {
			return before, ready
		}
		rest := piece[ready:]
		if !s.message(rest, len(rest)+s.left) {
			s.withheld = copy(s.head[:], rest)
			return before, ready
		}
	}
	return before, len(piece)
}

// complete adds to the withheld head until its store host is there. Then it rewrites the part that lies in piece and
// returns the part that was withheld.
func (s *StoreHosts) complete(piece []byte) (before []byte) {
	had := s.withheld
	s.withheld += copy(s.head[had:], piece)
	head := s.head[:s.withheld]
	if !s.message(head, had+len(piece)+s.left) {
		return nil
	}
	s.skip -= had
	s.withheld = 0
	copy(piece, head[had:])
	return bytes.Clone(head[:had])
}

// message rewrites the store host of the message that b begins with, and notes how long the message is. left is how
// many bytes the body has from there on. It is false when b ends before the store host does.
func (s *StoreHosts) message(b []byte, left int) bool {
	if s.off = left < minMessage; s.off {
		return true
	}
	if len(b) < toSysFlag {
		return false
	}
	size, host, hostLen := readHead(b)
	if s.off = size < host+hostLen+messageTail || size > left; s.off {
		return true
	}
	if len(b) < host+hostLen {
		return false
	}
	s.patch(b[host : host+hostLen])
	s.skip = size
	return true
}

// readHead reads how large a message is and where its store host stands; size is 0 when b does not begin with a message.
func readHead(b []byte) (size, host, hostLen int) {
	magic := binary.BigEndian.Uint32(b[4:])
	sysFlag := binary.BigEndian.Uint32(b[36:])
	host, hostLen = toSysFlag+8+hostLen4+8, hostLen4
	if sysFlag&sysFlagBornV6 != 0 {
		host += hostLen6 - hostLen4
	}
	if sysFlag&sysFlagStoreV6 != 0 {
		hostLen = hostLen6
	}
	if magic == magicV1 || magic == magicV2 {
		size = int(min(binary.BigEndian.Uint32(b), math.MaxInt32))
	}
	return size, host, hostLen
}

// patch puts the advertised address into a store host. Neighbors mostly have the same one.
func (s *StoreHosts) patch(host []byte) {
	if !bytes.Equal(host, s.own[:s.ownLen]) {
		s.ownLen = copy(s.own[:], host)
		s.resolve(host)
	}
	if s.known {
		copy(host, s.told[:])
	}
}

func (s *StoreHosts) resolve(host []byte) {
	ip, _ := netip.AddrFromSlice(host[:len(host)-4])
	port := binary.BigEndian.Uint32(host[len(host)-4:])
	told, ok := netip.AddrPort{}, port <= math.MaxUint16
	if ok {
		told, ok = s.lookup.advertise(netip.AddrPortFrom(ip, uint16(port)))
	}
	if s.known = ok; ok {
		putHost(s.told[:len(host)], told)
	}
}

// putHost fills a host of 8 or 20 bytes with an address of its family, and returns its length.
func putHost(host []byte, told netip.AddrPort) int {
	ip := told.Addr().As16() // an IPv4 address stands at its end
	ipLen := len(host) - 4
	copy(host, ip[len(ip)-ipLen:])
	binary.BigEndian.PutUint32(host[ipLen:], uint32(told.Port()))
	return len(host)
}
