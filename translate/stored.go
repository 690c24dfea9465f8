package translate

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// Stored is a message as brokers keep it and answer it (MessageDecoder.java#decode). Body and properties point into what it
// was read from.
type Stored struct {
	Topic           string
	QueueID         int32
	QueueOffset     int64
	CommitLogOffset int64
	SysFlag         int32
	Born, Stored    int64 // milliseconds
	BornHost        netip.AddrPort
	StoreHost       netip.AddrPort
	Reconsumed      int32
	Body            []byte
	Properties      map[string]string
}

const (
	magicV1       = 0xDAA320A7
	magicV2       = 0xDAA320AB // two bytes of topic length
	flagBornHost6 = 0x10
	flagStoreHost = 0x20
)

var errStored = errors.New("it ends too early")

// ReadStored reads messages that stand one after another, without a count.
func ReadStored(b []byte) ([]*Stored, error) {
	var all []*Stored
	for len(b) > 0 {
		r := reader{b: b}
		size, magic := int(r.uint32()), r.uint32()
		if r.failed || size < 8 || size > len(b) {
			return nil, fmt.Errorf("cannot read message %d of the answer: %w", len(all)+1, errStored)
		}
		if magic != magicV1 && magic != magicV2 {
			return nil, fmt.Errorf("cannot read message %d of the answer: its magic number is %#x", len(all)+1, magic)
		}
		r.b = r.b[:size-8]
		m := readStored(&r, magic == magicV2)
		if r.failed {
			return nil, fmt.Errorf("cannot read message %d of the answer: %w", len(all)+1, errStored)
		}
		all = append(all, m)
		b = b[size:]
	}
	return all, nil
}

func readStored(r *reader, longTopic bool) *Stored {
	m := &Stored{}
	r.bytes(4) // CRC
	m.QueueID = int32(r.uint32())
	r.bytes(4) // flag
	m.QueueOffset, m.CommitLogOffset = int64(r.uint64()), int64(r.uint64())
	m.SysFlag = int32(r.uint32())
	m.Born = int64(r.uint64())
	m.BornHost = r.host(m.SysFlag&flagBornHost6 != 0)
	m.Stored = int64(r.uint64())
	m.StoreHost = r.host(m.SysFlag&flagStoreHost != 0)
	m.Reconsumed = int32(r.uint32())
	r.bytes(8) // offset of a half message
	m.Body = r.bytes(int(r.uint32()))
	topic := 1
	if longTopic {
		topic = 2
	}
	m.Topic = r.text(r.length(topic))
	m.Properties = readProperties(r.text(r.length(2)))
	return m
}

// reader takes fields off the front. The first one that is not there fails it for good.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.b) {
		r.failed, r.b = true, nil
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// text takes what is not UTF-8, which brokers store and protobuf cannot carry, for U+FFFD.
func (r *reader) text(n int) string { return strings.ToValidUTF8(string(r.bytes(n)), "\uFFFD") }

func (r *reader) uint32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// length is a length of one or two bytes.
func (r *reader) length(size int) (n int) {
	for _, b := range r.bytes(size) {
		n = n<<8 | int(b)
	}
	return n
}

// host is an address and a port, which takes four bytes.
func (r *reader) host(v6 bool) netip.AddrPort {
	size := 4
	if v6 {
		size = 16
	}
	addr, _ := netip.AddrFromSlice(r.bytes(size))
	return netip.AddrPortFrom(addr, uint16(r.uint32()))
}
