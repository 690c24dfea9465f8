package rewrite_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

var (
	hostV4 = netip.MustParseAddr("192.168.7.8") // advertised with port 20000
	hostV6 = netip.MustParseAddr("2001:db8::ff")
)

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
