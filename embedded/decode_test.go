package embedded

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

func TestLastOfTwoKeysCountsAndCaseMatters(t *testing.T) {
	cmd, err := decodeJSONHeader([]byte(`{'code':105,"CODE":10,"code":"14","extFields":{"a":"1"},"extFields":{"b":-1.5e3,},"opaque":7.0}`))
	require.NoError(t, err)
	require.Equal(t, &codec.Command{Code: 14, Opaque: 7, Ext: map[string]string{"b": "-1.5e3"}}, cmd)
}

func TestTextOfAHeaderIsRead(t *testing.T) {
	for in, want := range map[string]string{
		`"a\u0041\n\t\/\b\f\"\x41é"`: "aA\n\t/\b\f\"Aé",
		`"\ud83d\ude00"`:             "😀",
		`"\ud800"`:                   "\uFFFD",
		`/* c */ 'it' // d` + "\n":   "it",
		`null`:                       "",
		`[1, {"a" : 2}]`:             `[1, {"a" : 2}]`,
	} {
		cmd, err := decodeJSONHeader([]byte(`{"remark":` + in + `}`))
		require.NoError(t, err, in)
		require.Equal(t, want, cmd.Remark, in)
	}
}

func TestFrameOfAWrongShapeIsRefused(t *testing.T) {
	for _, frame := range []string{
		"\x00\x00\x00\x03abc", "\x01\x00\x00\x01", "\x00\x00\x00\x06\x02\x00\x00\x02{}", "\x00\x00\x00\x06\x00\x00\x00\x03{}", "\x00\x00\x00\x06\x00",
	} {
		_, err := readCommand(strings.NewReader(frame))
		require.Error(t, err, "%q", frame)
	}
}

func TestNestingTakesNoMoreThanItsLength(t *testing.T) {
	for _, header := range []string{
		`{"x":` + strings.Repeat("[", 1<<20), `{"x":` + strings.Repeat(`{"a":`, 1<<18), `{` + strings.Repeat("/**/", 1<<18),
	} {
		allocated := testing.AllocsPerRun(1, func() {
			_, err := decodeJSONHeader([]byte(header))
			require.Error(t, err)
		})
		require.Less(t, allocated, 5000.0)
	}
}

// FuzzDecodersAgree holds codec's scanner against the servers' decoder: a header that both read, both read alike. Where
// they did not, the proxy would decide by another value than the broker.
func FuzzDecodersAgree(f *testing.F) {
	text, err := os.ReadFile("testdata/spellings.tsv")
	require.NoError(f, err)
	for line := range strings.Lines(string(text)) {
		if column := strings.Split(line, "\t"); len(column) == 4 {
			frame, err := hex.DecodeString(column[1])
			require.NoError(f, err)
			f.Add(frame)
		}
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		theirs, _, err := codec.Decode(frame, codec.Limits{})
		if err != nil {
			return
		}
		ours, err := readCommand(strings.NewReader(string(frame)))
		if err != nil {
			return
		}
		if len(theirs.Ext) == 0 {
			theirs.Ext = nil
		}
		if len(ours.Ext) == 0 {
			ours.Ext = nil
		}
		if len(theirs.Body) == 0 {
			theirs.Body = nil
		}
		if len(ours.Body) == 0 {
			ours.Body = nil
		}
		require.Equal(t, ours, theirs)
	})
}
