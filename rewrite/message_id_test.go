package rewrite_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// Made by MessageDecoder of RocketMQ 5.3.x, executed: 10.0.0.1:10911, 2001:db8::1 port 10911, offset 0x66778899.
const (
	idV4 = "0A00000100002A9F0000000066778899"
	idV6 = "20010DB800000000000000000000000100002A9F0000000066778899"
)

func TestDecodeMessageID(t *testing.T) {
	f := func(id, addr string, offset int64) {
		t.Helper()
		got, gotOffset, ok := rewrite.DecodeMessageID(id)
		require.True(t, ok)
		require.Equal(t, addr, got.String())
		require.Equal(t, offset, gotOffset)
		same, ok := rewrite.MessageIDs(id, got.Addr(), got.Port())
		require.True(t, ok)
		require.Equal(t, id, same, "with its own address put into it an id stays what it is")
	}
	f(idV4, "10.0.0.1:10911", 0x66778899)
	f(idV6, "[2001:db8::1]:10911", 0x66778899)
	f("FFFFFFFF0000FFFF7FFFFFFFFFFFFFFF", "255.255.255.255:65535", 1<<63-1)

	got, _, ok := rewrite.DecodeMessageID("0a00000100002a9f0000000066778899") // Java reads small letters too
	require.True(t, ok)
	require.Equal(t, "10.0.0.1:10911", got.String())

	for _, id := range []string{"", "x", idV4[1:], idV4 + "0", "G" + idV4[1:], idV4 + idV4,
		"7F0000010A5C18B4AAC21F4F0B8A0000", // a client's own id (UNIQ_KEY): its port would be 173,807,796
	} {
		_, _, ok := rewrite.DecodeMessageID(id)
		require.False(t, ok, id)
	}
}

func TestRewriteMessageIDs(t *testing.T) {
	f := func(ids, host string, port uint16, want string, wantOK bool) {
		t.Helper()
		got, ok := rewrite.MessageIDs(ids, netip.MustParseAddr(host), port)
		require.Equal(t, want, got)
		require.Equal(t, wantOK, ok)
	}
	f(idV4, "192.168.7.8", 20000, "C0A8070800004E200000000066778899", true)
	f(idV4, "::ffff:192.168.7.8", 20000, "C0A8070800004E200000000066778899", true)
	f(idV6, "2001:db8::ff", 20000, "20010DB80000000000000000000000FF00004E200000000066778899", true)
	f(idV4, "2001:db8::ff", 20000, "20010DB80000000000000000000000FF00004E200000000066778899", true)
	f(idV6, "192.168.7.8", 20000, "C0A8070800004E200000000066778899", true)
	// A batch has one id for each of its messages.
	f(idV4+","+idV4[:31]+"A", "192.168.7.8", 20000, "C0A8070800004E200000000066778899,C0A8070800004E20000000006677889A", true)
	f("", "192.168.7.8", 20000, "", false)
	f(idV4+",", "192.168.7.8", 20000, idV4+",", false)
	f(idV4+",x", "192.168.7.8", 20000, idV4+",x", false)

	got, ok := rewrite.MessageIDs(idV4, netip.Addr{}, 20000)
	require.Equal(t, idV4, got)
	require.False(t, ok)
}
