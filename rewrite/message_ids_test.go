package rewrite_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// Made by MessageDecoder of RocketMQ 5.3.x, executed: 10.0.0.1:10911, 2001:db8::1 port 10911, offset 0x66778899.
const (
	idV4 = "0A00000100002A9F0000000066778899"
	idV6 = "20010DB800000000000000000000000100002A9F0000000066778899"
)

func TestMessageIDsKeepTheirOffsets(t *testing.T) {
	f := func(ids, want string) {
		t.Helper()
		got := []byte(ids)
		rewrite.MessageIDs(got, told)
		require.Equal(t, want, string(got))
	}
	const toldV4 = "C0A8070800004E200000000066778899"
	f(idV4, toldV4)
	f(idV6, "20010DB80000000000000000000000FF00004E200000000066778899")
	f("0a00000100002a9f0000000066778899", toldV4) // Java reads small letters too
	f("0A00000100002A9F7FFFFFFFFFFFFFFF", "C0A8070800004E207FFFFFFFFFFFFFFF")
	// A batch has one id for each of its messages; that of another broker gets that one's address.
	f(idV4+","+idV4[:31]+"A", toldV4+","+toldV4[:31]+"A")
	f(idV4+",0A00000200002A9F0000000000000001", toldV4+",C0A8070800004E210000000000000001")
	// Unknown addresses stay.
	f("0A00000300002A9F0000000066778899", "0A00000300002A9F0000000066778899")
	f(idV4+",FFFFFFFF0000FFFF7FFFFFFFFFFFFFFF", toldV4+",FFFFFFFF0000FFFF7FFFFFFFFFFFFFFF")
	// Where one is not an offset message id none is touched.
	for _, odd := range []string{
		"", "x", "0", idV4[1:], idV4 + "0", "G" + idV4[1:], idV4 + idV4,
		"7F0000010A5C18B4AAC21F4F0B8A0000", // a client's own id (UNIQ_KEY): its port would be 173,807,796
	} {
		f(odd, odd)
		f(idV4+","+odd, idV4+","+odd)
		f(odd+","+idV4, odd+","+idV4)
	}
}

func TestMessageIDsOfTheOtherFamilyStay(t *testing.T) {
	toV6 := func(netip.AddrPort) (netip.AddrPort, bool) {
		return netip.MustParseAddrPort("[2001:db8::ff]:20000"), true
	}
	got := []byte(idV4 + "," + idV6)
	rewrite.MessageIDs(got, toV6)
	require.Equal(t, idV4+",20010DB80000000000000000000000FF00004E200000000066778899", string(got))
}

// The sender's id of a message and the one that a consumer makes of its store host are equal, as they are without a
// proxy: createMessageId(storeHost, commitLogOffset).
func TestSendersAndConsumersMakeTheSameIDs(t *testing.T) {
	for id, message := range map[string][]byte{idV4: messageV4, idV6: messageV6} {
		sender := []byte(id)
		rewrite.MessageIDs(sender, told)
		consumer := pass(t, message, told)
		host, hostLen := 64, 8
		if len(id) > len(idV4) {
			host, hostLen = 76, 20
		}
		require.Equal(t, string(sender), strings.ToUpper(hexOf(consumer[host:host+hostLen])+hexOf(consumer[28:36])))
	}
}

func hexOf(b []byte) string {
	const digits = "0123456789abcdef"
	var s strings.Builder
	for _, ch := range b {
		s.WriteByte(digits[ch>>4])
		s.WriteByte(digits[ch&15])
	}
	return s.String()
}

func FuzzMessageIDs(f *testing.F) {
	f.Add(idV4)
	f.Add(idV6 + "," + idV4)
	f.Add("0a00000100002a9f0000000066778899")
	f.Add(",")
	f.Fuzz(func(t *testing.T, ids string) {
		got := []byte(ids)
		rewrite.MessageIDs(got, told)
		require.Len(t, got, len(ids))
		before, after := strings.Split(ids, ","), strings.Split(string(got), ",")
		require.Len(t, after, len(before))
		for i := range before {
			if before[i] != after[i] {
				require.Equal(t, before[i][len(before[i])-16:], after[i][len(after[i])-16:], "the offset stays")
			}
		}
		again := []byte(string(got))
		rewrite.MessageIDs(again, told)
		require.Equal(t, got, again)
	})
}

func BenchmarkMessageIDs(b *testing.B) {
	ids := []byte(idV4)
	b.ReportAllocs()
	for b.Loop() {
		rewrite.MessageIDs(ids, known)
	}
}
