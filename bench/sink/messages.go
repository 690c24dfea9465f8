//go:build linux

package sink

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
)

// messageOverhead are the bytes of a stored message apart from its body, topic and properties (MessageDecoder, with hosts
// of IPv4).
const messageOverhead = 4 + 4 + 4 + 4 + 4 + 8 + 8 + 4 + 8 + 8 + 8 + 8 + 4 + 8 + 4 + 1 + 2

const properties = "UNIQ_KEY\x017F0000010A5C18B4AAC21F4F0B8A0000\x02WAIT\x01true\x02"

// messages are n messages that have size bytes together, as a broker stores and hands them out.
func messages(host netip.AddrPort, n, size int) (b []byte) {
	for i := range n {
		each := (size - len(b)) / (n - i)
		b = appendMessage(b, host, int64(100+i), each)
	}
	return b
}

func appendMessage(b []byte, host netip.AddrPort, offset int64, size int) []byte {
	body := make([]byte, size-messageOverhead-len(wire.Topic)-len(properties))
	for i := range body {
		body[i] = 'x'
	}
	u32 := func(n uint32) { b = binary.BigEndian.AppendUint32(b, n) }
	u64 := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	address := func() {
		b = append(b, host.Addr().AsSlice()...)
		u32(uint32(host.Port()))
	}
	const magic, born = 0xDAA320A7, 1700000000000
	u32(uint32(size))
	u32(magic)
	u32(crc32.ChecksumIEEE(body) & 0x7fffffff)
	u32(3) // queue id
	u32(0) // flag
	u64(offset)
	u64(offset * int64(size)) // in the commit log
	u32(0)                    // sysFlag: no IPv6, no compression
	u64(born)
	address() // of the producer
	u64(born)
	address() // of the broker
	u32(0)    // times consumed again
	u64(0)    // prepared transaction
	u32(uint32(len(body)))
	b = append(b, body...)
	b = append(append(b, byte(len(wire.Topic))), wire.Topic...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(properties)))
	return append(b, properties...)
}
