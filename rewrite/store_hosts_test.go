package rewrite_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
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

	// Where clients are told to go instead.
	putV4 = unhex("c0a80708 00004e20")
	putV6 = unhex("20010db80000000000000000000000ff 00004e20")
	// Mixed families: the born host of the one, the store host of the other.
	bornV6 = resized(slices.Insert(with(messageV4, 36, 0, 0, 0, 0x10), 48, make([]byte, 12)...))
	bornV4 = resized(slices.Delete(with(messageV6, 36, 0, 0, 0, 0x20), 48, 60))
	// Two-byte topic length: the store host is where it was.
	messageV2 = with(messageV4, 7, 0xab)
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

// resized corrects a message's total size.
func resized(message []byte) []byte {
	binary.BigEndian.PutUint32(message, uint32(len(message)))
	return message
}

// withBody replaces the payload of messageV4.
func withBody(sysFlag byte, payload []byte) []byte {
	m := slices.Concat(with(messageV4, 39, sysFlag)[:84], binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload, messageV4[93:])
	return resized(m)
}

// told knows the two brokers of the messages above, and one more.
func told(own netip.AddrPort) (netip.AddrPort, bool) {
	to, ok := map[string]string{
		"10.0.0.1:10911":      "192.168.7.8:20000",
		"10.0.0.2:10911":      "192.168.7.8:20001",
		"[2001:db8::1]:10911": "[2001:db8::ff]:20000",
	}[own.String()]
	if !ok {
		return netip.AddrPort{}, false
	}
	return netip.MustParseAddrPort(to), true
}

// pass gives a body to a rewriter in pieces and returns what it lets through, as a relay would send it.
func pass(t *testing.T, body []byte, lookup rewrite.Lookup, pieces ...int) []byte {
	t.Helper()
	var s rewrite.StoreHosts
	s.Begin(len(body), lookup)
	rest, out := slices.Clone(body), []byte(nil)
	for i := 0; len(rest) > 0; i++ {
		n := len(rest)
		if i < len(pieces) {
			n = min(n, pieces[i])
		}
		before, ready := s.Rewrite(rest[:n])
		require.LessOrEqual(t, n-ready, 95, "withheld")
		out = append(append(out, before...), rest[:ready]...)
		rest = rest[n:]
	}
	require.Len(t, out, len(body), "bytes are withheld at the end of the body")
	return out
}

func TestEachStoreHostBecomesThatBrokersAdvertisedAddress(t *testing.T) {
	f := func(body, want []byte) {
		t.Helper()
		require.Equal(t, want, pass(t, body, told))
		for size := 1; size <= 130; size++ {
			require.Equal(t, want, pass(t, body, told, slices.Repeat([]int{size}, len(body)/size)...), "pieces of %d bytes", size)
		}
		for cut := range body {
			require.Equal(t, want, pass(t, body, told, cut), "cut at %d", cut)
		}
		require.Equal(t, want, pass(t, want, told), "rewritten twice")
	}
	f(nil, nil)
	f(messageV4, with(messageV4, 64, putV4...))
	f(messageV2, with(messageV2, 64, putV4...))
	f(messageV6, with(messageV6, 76, putV6...))
	f(bornV6, with(bornV6, 76, putV4...))
	f(bornV4, with(bornV4, 64, putV6...))

	// A slave hands out what its master stored, so one body has several; an unknown one stays.
	other, unknown := with(messageV4, 64, 10, 0, 0, 2), with(messageV4, 64, 10, 0, 0, 3)
	f(slices.Concat(messageV4, other, unknown, messageV6, messageV4), slices.Concat(with(messageV4, 64, putV4...),
		with(other, 64, unhex("c0a80708 00004e21")...), unknown, with(messageV6, 76, putV6...), with(messageV4, 64, putV4...)))
	port := with(messageV4, 68, 0, 1, 0x2a, 0x9f) // the lower half is that of a known port
	f(slices.Concat(port, messageV4), slices.Concat(port, with(messageV4, 64, putV4...)))

	// An IPv4 address in the place for an IPv6 one is the same address.
	mapped := with(messageV6, 76, unhex("00000000000000000000ffff 0a000001 00002a9f")...)
	f(mapped, with(mapped, 76, unhex("00000000000000000000ffff c0a80708 00004e20")...))
}

// A payload is never looked into: not what is compressed, nor the inner messages of a batch, which have no hosts, nor
// what only looks like a message.
func TestPayloadsAreNotRead(t *testing.T) {
	inner := unhex("0000002c 00000000 00000000 00000000 00000002 6869 0014 57414954 01 74727565 02 54414753 01 54616741 02")
	for _, m := range [][]byte{
		withBody(0xc0, slices.Concat(inner, inner)), // sysFlag of a batch
		withBody(0x01, bytes.Repeat([]byte{0x78, 0x9c, 1}, 70)),
		withBody(0, messageV4),
		withBody(0, bytes.Repeat(messageV4, 2000)),
	} {
		body := slices.Concat(m, messageV4)
		want := slices.Concat(with(m, 64, putV4...), with(messageV4, 64, putV4...))
		for _, size := range []int{len(body), 1000, 97, 64} {
			require.True(t, bytes.Equal(want, pass(t, body, told, slices.Repeat([]int{size}, len(body)/size)...)), "pieces of %d", size)
		}
	}
}

func TestAnAddressOfTheOtherFamilyStays(t *testing.T) {
	to := func(addr string) rewrite.Lookup {
		return func(netip.AddrPort) (netip.AddrPort, bool) { return netip.MustParseAddrPort(addr), true }
	}
	both := slices.Concat(messageV4, messageV6)
	require.Equal(t, slices.Concat(with(messageV4, 64, putV4...), messageV6), pass(t, both, to("192.168.7.8:20000")))
	require.Equal(t, slices.Concat(with(messageV4, 64, putV4...), messageV6), pass(t, both, to("[::ffff:192.168.7.8]:20000")))
	require.Equal(t, slices.Concat(messageV4, with(messageV6, 76, putV6...)), pass(t, both, to("[2001:db8::ff]:20000")))
	require.Equal(t, both, pass(t, both, func(netip.AddrPort) (netip.AddrPort, bool) { return netip.AddrPort{}, true }))
}

func TestMalformedBodiesPassAsTheyAre(t *testing.T) {
	put := with(messageV4, 64, putV4...)
	f := func(odd []byte) {
		t.Helper()
		body := slices.Concat(messageV4, odd)
		want := slices.Concat(put, odd)
		for size := 1; size <= len(body); size++ {
			require.Equal(t, want, pass(t, body, told, slices.Repeat([]int{size}, len(body)/size)...), "pieces of %d bytes", size)
		}
	}
	for _, odd := range [][]byte{
		with(messageV4, 4, 0xcb, 0xd4, 0x31, 0x94), // the filler of commit logs
		with(messageV4, 0, 0, 0, 0, 0),             // sizes that cannot be
		with(messageV4, 0, 0, 0, 0, 72+18),         //
		with(messageV4, 0, 0xff, 0xff, 0xff, 0xff), //
		with(messageV4, 36, 0, 0, 0, 0x30)[:100],   // says IPv6, and is too short for it
		with(messageV4, 0, 0, 0, 2, 0),             // longer than the body
		make([]byte, 300),                          //
		bytes.Repeat([]byte{0xff}, 300),            //
	} {
		f(slices.Concat(odd, messageV4, messageV4))
	}
	for n := range messageV4 { // cut off
		f(messageV4[:n])
	}
}

func TestStoreHostsAllocateNothingForWholeMessages(t *testing.T) {
	body := bytes.Repeat(messageV4, 100)
	var s rewrite.StoreHosts
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.Begin(len(body), known)
		s.Rewrite(body[:121*50])
		s.Rewrite(body[121*50:])
	}))
}

// Each broker is looked up once as long as its messages follow each other.
func TestOneLookupForARowOfMessages(t *testing.T) {
	lookups := 0
	count := func(own netip.AddrPort) (netip.AddrPort, bool) {
		lookups++
		return told(own)
	}
	pass(t, slices.Concat(bytes.Repeat(messageV4, 100), bytes.Repeat(messageV6, 100)), count, 1000, 1000, 1000)
	require.Equal(t, 2, lookups)
}

// Bodies cut anywhere come out as in one piece, and only store hosts change.
func FuzzStoreHosts(f *testing.F) {
	f.Add(slices.Concat(messageV4, messageV6), uint64(1))
	f.Add(slices.Concat(bornV4, bornV6, messageV6), uint64(2))
	f.Add(with(messageV4, 0, 0xff, 0xff), uint64(3))
	f.Add(slices.Concat(messageV4, with(messageV4, 4, 0xcb, 0xd4, 0x31, 0x94), messageV4), uint64(4))
	f.Add([]byte{}, uint64(0))
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		whole := pass(t, body, told)
		random := rand.New(rand.NewPCG(seed, seed))
		var cuts []int
		for left := len(body); left > 0; {
			n := random.IntN(1 + random.IntN(200))
			cuts, left = append(cuts, n), left-n
		}
		require.Equal(t, whole, pass(t, body, told, cuts...))
		require.Equal(t, whole, pass(t, whole, told), "rewriting twice differs: something else than a store host was changed")
		require.LessOrEqual(t, changes(body, whole), 20*(1+len(body)/91), "more than one host per message")
	})
}

func changes(a, b []byte) (n int) {
	for i := range a {
		if a[i] != b[i] {
			n++
		}
	}
	return n
}

// known is told without garbage.
func known(netip.AddrPort) (netip.AddrPort, bool) { return advertisedV4, true }

var advertisedV4 = netip.MustParseAddrPort("192.168.7.8:20000")

// A pull of 32 messages of 121 bytes, and one of 16 MiB in messages of 4 KiB that comes in pieces of 64 KiB.
func BenchmarkStoreHosts(b *testing.B) {
	run := func(name string, message []byte, count, piece int) {
		b.Run(name, func(b *testing.B) {
			body := bytes.Repeat(message, count)
			var s rewrite.StoreHosts
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				s.Begin(len(body), known)
				for p := range slices.Chunk(body, piece) {
					s.Rewrite(p)
				}
			}
		})
	}
	run("32 small", messageV4, 32, 64<<10)
	run("16 MiB", withBody(0, make([]byte, 4000)), 16<<20/4200, 64<<10)
}
