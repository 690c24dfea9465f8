package rewrite_test

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// Messages encoded by MessageDecoder of RocketMQ 5.3.x, executed: topic TopicTest, body "hello", k1=v1, TAGS=TagA.
var (
	messageV4 = unhex(
		"00000079", // total size 121
		"daa320a7", // magic V1
		"3610a686 00000003 00000000 0000001122334455 0000000066778899", // CRC, queue, flag, queue offset, commit log offset
		"00000000",                           // sysFlag
		"0000018bcfe56800 0a000009 0000c350", // born timestamp, born host 10.0.0.9:50000
		"0000018bcfe56801",                   // store timestamp
		"0a000001 00002a9f",                  // store host 10.0.0.1:10911
		"00000002 0000000000000000",          // reconsume times, prepared offset
		"00000005 68656c6c6f 09 546f70696354657374 0010 6b310176310254414753015461674102") // body, topic, properties
	messageV6 = unhex(
		"00000091 daa320a7 3610a686 00000003 00000000 0000001122334455 0000000066778899",
		"00000030", // sysFlag: both hosts IPv6
		"0000018bcfe56800 20010db8000000000000000000000009 0000c350",
		"0000018bcfe56801",
		"20010db8000000000000000000000001 00002a9f", // store host [2001:db8::1]:10911
		"00000002 0000000000000000",
		"00000005 68656c6c6f 09 546f70696354657374 0010 6b310176310254414753015461674102")
)

func unhex(parts ...string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// with returns a copy of message with put at off.
func with(message []byte, off int, put ...byte) []byte {
	m := slices.Clone(message)
	copy(m[off:], put)
	return m
}

var (
	hostV4 = netip.MustParseAddr("192.168.7.8") // advertised with port 20000
	hostV6 = netip.MustParseAddr("2001:db8::ff")
	putV4  = unhex("c0a80708 00004e20")
	putV6  = unhex("20010db80000000000000000000000ff 00004e20")
	// Mixed families: the born host of the one, the store host of the other.
	bornV6 = slices.Insert(with(messageV4, 36, 0, 0, 0, 0x10), 48, make([]byte, 12)...)
	bornV4 = slices.Delete(with(messageV6, 36, 0, 0, 0, 0x20), 48, 60)
)

func init() {
	binary.BigEndian.PutUint32(bornV6, uint32(len(bornV6)))
	binary.BigEndian.PutUint32(bornV4, uint32(len(bornV4)))
}

func TestStoreHostRewriter(t *testing.T) {
	f := func(host netip.Addr, body, want []byte) {
		t.Helper()
		for piece := 1; piece <= len(body); piece++ {
			got := slices.Clone(body)
			r := rewrite.NewStoreHostRewriter(host, 20000)
			for part := range slices.Chunk(got, piece) {
				r.Rewrite(part)
			}
			require.Equal(t, want, got, "pieces of %d bytes", piece)
		}
	}
	v2 := with(messageV4, 7, 0xab) // two-byte topic length: the store host is where it was
	f(hostV4, messageV4, with(messageV4, 64, putV4...))
	f(hostV4, v2, with(v2, 64, putV4...))
	f(hostV6, messageV6, with(messageV6, 76, putV6...))
	f(hostV4, bornV6, with(bornV6, 76, putV4...))
	f(hostV6, bornV4, with(bornV4, 64, putV6...))
	f(netip.MustParseAddr("::ffff:192.168.7.8"), messageV4, with(messageV4, 64, putV4...))

	// Many messages; those of the other family stay.
	f(hostV4, slices.Concat(messageV4, messageV6, v2, bornV4, messageV4),
		slices.Concat(with(messageV4, 64, putV4...), messageV6, with(v2, 64, putV4...), bornV4, with(messageV4, 64, putV4...)))
	f(hostV6, slices.Concat(messageV4, messageV6, v2), slices.Concat(messageV4, with(messageV6, 76, putV6...), v2))

	// From the first thing it does not know on, nothing is touched: the filler of commit logs, sizes that cannot be.
	for _, odd := range [][]byte{
		with(messageV4, 4, 0xcb, 0xd4, 0x31, 0x94),
		with(messageV4, 0, 0, 0, 0, 0),
		with(messageV4, 0, 0, 0, 0, 72+18),
		with(messageV4, 0, 0xff, 0xff, 0xff, 0xff),
		with(messageV4, 36, 0, 0, 0, 0x30)[:85], // says IPv6, and is too short for it
	} {
		f(hostV4, slices.Concat(messageV4, odd, messageV4), slices.Concat(with(messageV4, 64, putV4...), odd, messageV4))
	}
	// A message that is cut off.
	f(hostV4, messageV4[:66], with(messageV4[:66], 64, putV4...))
	f(hostV4, messageV4[:20], messageV4[:20])
	f(netip.Addr{}, messageV4, messageV4)
}

func TestStoreHostRewriterAllocatesNothing(t *testing.T) {
	body := slices.Concat(messageV4, messageV6, messageV4)
	r := rewrite.NewStoreHostRewriter(hostV4, 20000)
	require.Zero(t, testing.AllocsPerRun(100, func() { r.Rewrite(body) }))
}
