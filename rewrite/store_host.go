package rewrite

import (
	"encoding/binary"
	"net/netip"
)

// StoreHostRewriter puts the advertised address into the store host of each message in a body of stored messages
// (answers to 33 and 12), from which clients make the offset message id they dial. The body may arrive in pieces of
// any size: it keeps at most the head of one message, and nothing is moved. The checksum of a message covers its
// payload only.
type StoreHostRewriter struct {
	v4, v6 []byte // the bytes to put, nil when the advertised host is of the other family

	head [toSysFlag]byte // of the message under way
	pos  int             // bytes of that message seen so far
	size int             // its total size, known once the head is complete
	at   int             // where its store host stands
	put  []byte          // what goes there; nil: the host stays
	off  bool            // something unknown came: nothing more is touched
}

// NewStoreHostRewriter makes a rewriter for one body. host and port are the advertised ones of the broker.
func NewStoreHostRewriter(host netip.Addr, port uint16) *StoreHostRewriter {
	r := &StoreHostRewriter{off: !host.IsValid()}
	host = host.Unmap()
	bytes := binary.BigEndian.AppendUint32(host.AsSlice(), uint32(port))
	if host.Is4() {
		r.v4 = bytes
	} else {
		r.v6 = bytes
	}
	return r
}

// Rewrite rewrites the next piece of the body in place. A message whose store host is of the other address family
// stays as it is; from an unknown magic or an impossible size on everything does.
func (r *StoreHostRewriter) Rewrite(b []byte) {
	for len(b) > 0 && !r.off {
		var n int
		if r.pos < toSysFlag {
			n = copy(r.head[r.pos:], b)
			if r.pos += n; r.pos == toSysFlag {
				r.readHead()
			}
		} else {
			n = min(r.size-r.pos, len(b))
			r.patch(b[:n])
			if r.pos += n; r.pos == r.size {
				r.pos = 0
			}
		}
		b = b[n:]
	}
}

// readHead learns from a complete head how large the message is and where its store host stands.
func (r *StoreHostRewriter) readHead() {
	size := binary.BigEndian.Uint32(r.head[0:])
	magic := binary.BigEndian.Uint32(r.head[4:])
	sysFlag := binary.BigEndian.Uint32(r.head[36:])
	r.at, r.put = 48+8+8, r.v4
	if sysFlag&sysFlagBornV6 != 0 {
		r.at += 12
	}
	hostLen := 8
	if sysFlag&sysFlagStoreV6 != 0 {
		r.put, hostLen = r.v6, 20
	}
	if (magic != magicV1 && magic != magicV2) || size > 1<<31-1 || int(size) < r.at+hostLen+messageTail {
		r.off = true
		return
	}
	r.size = int(size)
}

// patch overwrites the part of the store host that lies in b, whose first byte is byte pos of the message.
func (r *StoreHostRewriter) patch(b []byte) {
	from, to := max(r.at, r.pos), min(r.at+len(r.put), r.pos+len(b))
	if from < to {
		copy(b[from-r.pos:to-r.pos], r.put[from-r.at:])
	}
}
