package embedded

import (
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"net/netip"
	"strings"
)

// Bits of a message's sysFlag (MessageSysFlag.java).
const (
	flagCompressed = 0x1
	flagPrepared   = 0x4
	flagCommit     = 0x8
	flagRollback   = 0xC
	flagBornV6     = 0x10
	flagStoreV6    = 0x20
)

// Magic numbers of a stored message (MessageDecoder.java): V2 has two bytes for the length of a long topic.
const (
	magicV1     = 0xDAA320A7
	magicV2     = 0xDAA320AB
	maxTopicV1  = 127
	maxPropsLen = 32767
)

// message is what a producer sent, or what the broker makes of it.
type message struct {
	topic      string
	queue      int32
	flag       int32
	sysFlag    int32
	bornAt     int64 // milliseconds
	bornHost   netip.AddrPort
	storedAt   int64
	storeHost  netip.AddrPort
	reconsumed int32
	prepared   int64 // commit log offset of the half message
	body       []byte
	properties properties
}

// encode writes the stored form (MessageDecoder.java#encode).
func (r *record) encode() {
	r.sysFlag &^= flagBornV6 | flagStoreV6
	if r.bornHost.Addr().Is6() {
		r.sysFlag |= flagBornV6
	}
	if r.storeHost.Addr().Is6() {
		r.sysFlag |= flagStoreV6
	}
	r.frame = r.appendStored(make([]byte, 0, 128+len(r.body)+len(r.topic)+len(r.properties)), r.offset, r.queueOffset)
	r.body = nil // the copy in frame is enough
	at := bodyOffset(r.sysFlag)
	r.body = r.frame[at : at+int(binary.BigEndian.Uint32(r.frame[at-4:])) : len(r.frame)]
}

// bodyOffset is where the body stands in the stored form.
func bodyOffset(sysFlag int32) int {
	at := 88
	if sysFlag&flagBornV6 != 0 {
		at += 12
	}
	if sysFlag&flagStoreV6 != 0 {
		at += 12
	}
	return at
}

func (m *message) appendStored(dst []byte, offset, queueOffset int64) []byte {
	be := binary.BigEndian
	start := len(dst)
	magic := uint32(magicV1)
	if len(m.topic) > maxTopicV1 {
		magic = magicV2
	}
	dst = be.AppendUint32(dst, 0) // total size, below
	dst = be.AppendUint32(dst, magic)
	dst = be.AppendUint32(dst, crc32.ChecksumIEEE(m.body)&0x7FFFFFFF)
	dst = be.AppendUint32(dst, uint32(m.queue))
	dst = be.AppendUint32(dst, uint32(m.flag))
	dst = be.AppendUint64(dst, uint64(queueOffset))
	dst = be.AppendUint64(dst, uint64(offset))
	dst = be.AppendUint32(dst, uint32(m.sysFlag))
	dst = be.AppendUint64(dst, uint64(m.bornAt))
	dst = appendHost(dst, m.bornHost)
	dst = be.AppendUint64(dst, uint64(m.storedAt))
	dst = appendHost(dst, m.storeHost)
	dst = be.AppendUint32(dst, uint32(m.reconsumed))
	dst = be.AppendUint64(dst, uint64(m.prepared))
	dst = append(be.AppendUint32(dst, uint32(len(m.body))), m.body...)
	if magic == magicV2 {
		dst = be.AppendUint16(dst, uint16(len(m.topic)))
	} else {
		dst = append(dst, byte(len(m.topic)))
	}
	dst = append(dst, m.topic...)
	dst = append(be.AppendUint16(dst, uint16(len(m.properties))), m.properties...)
	be.PutUint32(dst[start:], uint32(len(dst)-start))
	return dst
}

func appendHost(dst []byte, h netip.AddrPort) []byte {
	dst = append(dst, h.Addr().AsSlice()...)
	return binary.BigEndian.AppendUint32(dst, uint32(h.Port()))
}

// id is the offset message id: store host and commit log offset in hex.
func (r *record) id() string {
	b := binary.BigEndian.AppendUint64(appendHost(nil, r.storeHost), uint64(r.offset))
	return strings.ToUpper(hex.EncodeToString(b))
}
