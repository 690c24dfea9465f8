package codec_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// spelling is one way to write a header and what real name servers did with it: "code N", "closed" or "silence".
type spelling struct {
	name     string
	frame    []byte
	v55, v49 string
}

// spellings reads testdata/spellings.tsv, which was recorded from RocketMQ 5.5.0 and 4.9.7.
func spellings(t testing.TB) (list []spelling) {
	t.Helper()
	for _, f := range recorded(t, "testdata/spellings.tsv") {
		frame, err := hex.DecodeString(f[1])
		require.NoError(t, err)
		list = append(list, spelling{f[0], frame, f[2], f[3]})
	}
	require.Len(t, list, 123)
	return list
}

// recorded are the lines of a table of testdata, by their fields. A line that begins with # is a comment.
func recorded(t testing.TB, path string) (lines [][]string) {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	for text := bufio.NewScanner(file); text.Scan(); {
		if !strings.HasPrefix(text.Text(), "#") {
			lines = append(lines, strings.Split(text.Text(), "\t"))
		}
	}
	return lines
}

func scanFrame(b []byte) (h codec.Header, raw []byte, err error) {
	var s codec.Splitter
	frames, _, err := s.Split(b, nil)
	if err != nil {
		return h, nil, err
	}
	return frames[0].Header, b[codec.PrefixLen:frames[0].BodyOff], nil
}

// answers are what the two servers, where TBW102 is the only topic, make of a header that they read as we do.
func answers(h *codec.Header, topic string) (v55, v49 string) {
	switch {
	case h.IsResponse():
		return "silence", "silence"
	case h.Code == codec.ReqGetRouteInfoByTopic && topic == "TBW102":
		return "code 0", "code 0"
	case h.Code == codec.ReqGetRouteInfoByTopic:
		return "code 17", "code 17"
	case h.Code == codec.ReqGetBrokerClusterInfo, h.Code == 206, h.Code == 304:
		return "code 0", "code 0"
	case h.Code == 219:
		return "code 22", "code 22"
	case h.Code == codec.ReqRegisterBroker:
		return "code 1", "code 1"
	case h.Code == codec.ReqUnregisterBroker:
		return "code 0", "code 1"
	default:
		return "code 3", "silence"
	}
}

// stricter are the spellings that a server of either line answers and that are malformed here. docs/COMPATIBILITY.md
// lists them by their kind.
var stricter = []string{
	"binary ext negative", "binary ext short",
	"byte order mark",
	"code float", "code null",
	"comment",
	"ext single quotes", "ext string", "ext trailing comma",
	"flag float", "flag null", "flag true",
	"key dashed", "key escaped", "key twice flag", "key upper",
	"opaque float", "opaque null",
	"trailing comma", "trailing zero byte",
	"unknown NaN", "unknown nested 200", "unknown plus", "unknown single quotes", "unknown undefined",
	"version exponent", "version float", "version null",
}

// A proxy must never decide by another value than the server behind it reads. Whatever is accepted here is answered as
// a server would that reads the same code, flag and topic, or the server refuses it or says nothing.
func TestServersReadHeadersAsWeDo(t *testing.T) {
	var refused []string
	for _, s := range spellings(t) {
		h, raw, err := scanFrame(s.frame)
		if err != nil {
			if strings.Contains(s.v55+s.v49, "code") {
				refused = append(refused, s.name)
			}
			continue
		}
		v55, v49 := answers(&h, h.ExtString(raw, "topic"))
		require.Contains(t, []string{v55, "closed", "silence"}, s.v55, "5.5.0 reads %q as something else", s.name)
		require.Contains(t, []string{v49, "closed", "silence"}, s.v49, "4.9.7 reads %q as something else", s.name)
		if bytes.Contains(raw, []byte(`"opaque":5,`)) || h.Encoding == codec.Binary {
			require.EqualValues(t, 5, h.Opaque, s.name)
		}
	}
	require.Equal(t, stricter, refused)
}

// A registration that passed as another request would let a client make itself a broker of any topic.
func TestNoSpellingHidesARegistration(t *testing.T) {
	for _, code := range []int32{103, 104, 322, 901, 904} {
		seen := 0
		for _, s := range spellings(t) {
			b := bytes.Clone(s.frame)
			if s.frame[4] == byte(codec.Binary) {
				binary.BigEndian.PutUint16(b[codec.PrefixLen:], uint16(code))
			} else {
				b = bytes.ReplaceAll(b, []byte("105"), fmt.Append(nil, code))
			}
			if bytes.Equal(b, s.frame) {
				continue
			}
			if h, _, err := scanFrame(b); err == nil {
				require.Equal(t, code, h.Code, s.name)
				seen++
			}
		}
		require.Greater(t, seen, 50, "spellings that are read")
	}
	// Keys that some server takes for the code, beside a harmless one.
	for _, second := range []string{"c-ode", `\u0063ode`, "CODE", "co_de", "Code", "code"} {
		for _, value := range []string{`103`, `"103"`} {
			_, _, err := scanFrame(frame(`{"code":105,"opaque":5,"`+second+`":`+value+`}`, ""))
			require.Error(t, err, second)
		}
	}
}
