package codec

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// remembered makes a layout of a header in JSON.
func remembered(t *testing.T, header string) *layout {
	t.Helper()
	var h Header
	require.NoError(t, h.Scan([]byte(header), JSON))
	l := newLayout([]byte(header), &h)
	require.NotNil(t, l)
	return l
}

func TestALayoutMatchesHeadersWithOtherValues(t *testing.T) {
	const first = `{"code":310,"opaque":12,"extFields":{"a":"x","b":"","c":7,"d":"\u0001q"},"flag":0,"opaque2":"z"}`
	for _, next := range []string{
		first,
		strings.Replace(first, ":12,", ":1,", 1),
		strings.Replace(first, ":12,", ":-2147483648,", 1),
		strings.Replace(first, `"x"`, `""`, 1),
		strings.Replace(first, `"x"`, `"x and more"`, 1),
		strings.Replace(first, `"x"`, `"\"}\\"`, 1),
		strings.Replace(first, `""`, `"\\"`, 1),
		strings.Replace(first, `\u0001q`, `\u0001`, 1),
		strings.Replace(first, `\u0001q`, `\n`, 1),
		strings.Replace(first, `\u0001q`, `\u0002`, 1),
		strings.NewReplacer(":12,", ":4711,", `"x"`, `"long enough for a word"`, `""`, `"y"`).Replace(first),
	} {
		requireMatch(t, remembered(t, first), next)
	}
}

// requireMatch requires that a layout reads a header, and as the scanner does, at first and when it is loosened.
func requireMatch(t *testing.T, l *layout, next string) {
	t.Helper()
	var want, got Header
	require.NoError(t, want.Scan([]byte(next), l.header.Encoding), next)
	for range 2 {
		require.True(t, l.match([]byte(next), &got), next)
		require.Equal(t, want, got.WithoutSpot(), next)
	}
	require.True(t, l.match(l.text, &got))
	require.Equal(t, l.header, got.WithoutSpot())
}

func TestAValueMayDifferEarlierThanBefore(t *testing.T) {
	l := remembered(t, `{"code":310,"extFields":{"a":"one \u0001 two"}}`)
	for _, a := range []string{`one \u0001 three`, `one \u0002`, `one \n`, `two`, ``} {
		requireMatch(t, l, `{"code":310,"extFields":{"a":"`+a+`"}}`)
	}
}

func TestALayoutMatchesNothingElse(t *testing.T) {
	const first = `{"code":310,"opaque":12,"extFields":{"a":"x","b":"","c":7},"flag":0}`
	for _, next := range []string{
		``, `{`, first[:len(first)-1], first + " ", first + "}",
		strings.Replace(first, "310", "311", 1),
		strings.Replace(first, ":12,", ":,", 1),
		strings.Replace(first, ":12,", ":-,", 1),
		strings.Replace(first, ":12,", ":012,", 1),
		strings.Replace(first, ":12,", ":1.5,", 1),
		strings.Replace(first, ":12,", ":1e3,", 1),
		strings.Replace(first, ":12,", ":12 ,", 1),
		strings.Replace(first, ":12,", `:"12",`, 1),
		strings.Replace(first, ":12,", ":2147483648,", 1),
		strings.Replace(first, ":12,", ":null,", 1),
		strings.Replace(first, `"x"`, `"x\"`, 1),
		strings.Replace(first, `"x"`, `"x`, 1),
		strings.Replace(first, `"x"`, `1`, 1),
		strings.Replace(first, `"x"`, `null`, 1),
		strings.Replace(first, `"x"`, `"x","a":"y"`, 1),
		strings.Replace(first, `"x"`, `"x"},"flag":1,"e":{"f":""`, 1),
		strings.Replace(first, `"a"`, `"e"`, 1),
		strings.Replace(first, `:7`, `:7.0`, 1),
		strings.Replace(first, `:7`, `:7e1`, 1),
		strings.Replace(first, `:7`, `:-`, 1),
		strings.Replace(first, `:7`, `:"7"`, 1),
		strings.Replace(first, `:7`, `:null`, 1),
		strings.Replace(first, `"flag":0`, `"flag":1`, 1),
		strings.Replace(first, `"flag"`, `"remark"`, 1),
	} {
		l := remembered(t, first)
		for range 2 {
			require.False(t, l.match([]byte(next), new(Header)), next)
		}
		require.Empty(t, l.varied, "%s: a header of another layout must not loosen this one", next)
		require.True(t, l.match([]byte(strings.NewReplacer(":12,", ":13,", `"x"`, `"yy"`, `""`, `"z"`).Replace(first)), new(Header)))
		require.False(t, l.match([]byte(next), new(Header)), next)
	}
}

// binaryHeader is a ROCKETMQ header with ext fields that may be malformed.
func binaryHeader(opaque uint32, extLen int, pairs ...string) string {
	ext := ""
	for i := 0; i < len(pairs); i += 2 {
		ext += fmt.Sprintf("\x00%c%s\x00\x00\x00%c%s", len(pairs[i]), pairs[i], len(pairs[i+1]), pairs[i+1])
	}
	fixed := fmt.Sprintf("\x00\x0a\x00\x02\x01\x00\x00%c%c\x00\x00\x00\x00\x00\x00\x00\x01r", opaque>>8, opaque&0x7f)
	return fixed + fmt.Sprintf("\x00\x00\x00%c", len(ext)+extLen) + ext
}

func TestALayoutOfABinaryHeader(t *testing.T) {
	first := binaryHeader(1, 0, "k", "v", "l", "", "m", "w")
	l := func() *layout {
		var h Header
		require.NoError(t, h.Scan([]byte(first), Binary))
		return newLayout([]byte(first), &h)
	}
	for _, next := range []string{
		first,
		binaryHeader(77, 0, "k", "v", "l", "", "m", "w"),
		binaryHeader(1, 0, "k", "", "l", "", "m", "w"),
		binaryHeader(1, 0, "k", "v", "l", "much", "m", "w"),
		binaryHeader(5, 0, "k", "", "l", "", "m", "more"),
		binaryHeader(5, 0, "k", "", "l", "", "m", ""),
	} {
		requireMatch(t, l(), next)
	}
	for _, next := range []string{
		first[:len(first)-1], first + "x", first[:20],
		binaryHeader(1, 0, "k", "v", "l", "", "n", "w"),
		binaryHeader(1, 0, "k", "v", "l", ""),
		binaryHeader(1, 0, "k", "v", "l", "", "m", "w", "o", ""),
		binaryHeader(1, -1, "k", "v", "l", "", "m", "w"),
		binaryHeader(1, 1, "k", "vv", "l", "", "m", "w"),
		strings.Replace(first, "k\x00\x00\x00\x01", "k\xff\x00\x00\x01", 1),
		strings.Replace(first, "\x01r", "\x01s", 1),
	} {
		l := l()
		for range 2 {
			require.False(t, l.match([]byte(next), new(Header)), "%q", next)
		}
		require.Empty(t, l.varied)
	}
}

func TestLayoutsAreBounded(t *testing.T) {
	var ls Layouts
	for i := range 5000 {
		header := fmt.Sprintf(`{"opaque":%d,"k%d":1}`, i, i)
		require.NoError(t, ls.Scan(new(Header), []byte(header), JSON))
	}
	long := fmt.Sprintf(`{"code":1,"extFields":{"a":%q}}`, strings.Repeat("x", maxLayoutBytes))
	many := `{"code":2,"extFields":{` + strings.Repeat(`"a":"",`, maxLayoutValues) + `"b":""}}`
	for _, header := range []string{long, many} {
		var h Header
		require.NoError(t, h.Scan([]byte(header), JSON))
		require.Nil(t, newLayout([]byte(header), &h))
	}
}

// Headers that never come again, as those of clients that write ext fields in a random order, must not cost what it
// costs to compare and to remember each of them.
func TestHeadersThatNeverComeAgainAreRarelyRemembered(t *testing.T) {
	var set layoutSet
	compared, learned := 0, 0
	const n = layoutWays + 10*learnEvery
	for i := range n {
		raw := fmt.Appendf(nil, `{"code":1,"k%d":1}`, i)
		var h Header
		require.NoError(t, h.Scan(raw, JSON))
		if set.misses < hopeless || set.misses%hopeEvery == 0 {
			compared++
		}
		require.False(t, set.match(&h, raw, JSON))
		if set.miss(raw, &h); bytes.Equal(set.layouts[0].text, raw) {
			learned++
		}
	}
	require.Equal(t, layoutWays+10, learned)
	require.Less(t, compared, hopeless+n/hopeEvery+1)
	again := set.layouts[0].text
	for range hopeEvery {
		set.miss(again, new(Header))
		if set.match(new(Header), again, JSON) {
			return
		}
	}
	t.Fatal("a set that has missed for long never matches again")
}

func TestLayoutsAllocateNothingOnceTheyKnowAHeader(t *testing.T) {
	var ls Layouts
	var h Header
	var list [][]byte
	for i := range 100 {
		list = append(list, fmt.Appendf(nil, `{"code":0,"extFields":{"queueOffset":"%d"},"opaque":%d}`, i*i*i, i))
		require.NoError(t, ls.Scan(&h, list[i], JSON))
	}
	require.Zero(t, testing.AllocsPerRun(10, func() {
		for _, raw := range list {
			if ls.Scan(&h, raw, JSON) != nil {
				t.Fatal("not a header")
			}
		}
	}))
}
