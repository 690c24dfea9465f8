package codec_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

func TestDecodeGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			got, enc, err := codec.Decode(g.frame, codec.Limits{})
			require.NoError(t, err)
			require.Equal(t, g.enc, enc)
			if len(got.Body) == 0 {
				got.Body = nil
			}
			require.Equal(t, g.want, *got)

			// What we write says the same.
			again := got.Append(nil, g.enc)
			if g.exact {
				require.Equal(t, g.frame, again)
			}
			back, enc, err := codec.Decode(again, codec.Limits{})
			require.NoError(t, err)
			require.Equal(t, g.enc, enc)
			if len(back.Body) == 0 {
				back.Body = nil
			}
			require.Equal(t, g.want, *back)
		})
	}
}

func TestCommandAppend(t *testing.T) {
	c := codec.Command{Code: 105, Version: 479, Opaque: 7, Flag: 1, Remark: "a \"b\"\n", Ext: ext{"z": "1", "a": ""}, Body: []byte("body")}
	header := `{"code":105,"extFields":{"a":"","z":"1"},"flag":1,"language":"JAVA","opaque":7,"remark":"a \"b\"\n","serializeTypeCurrentRPC":"JSON","version":479}`
	require.Equal(t, frame(header, "body"), c.Append(nil, codec.JSON), "keys as Java's writer sorts them")
	require.True(t, json.Valid([]byte(header)))

	require.Equal(t, unhex(
		"00000032 0100002a", // total 50, ROCKETMQ, header of 42 bytes
		"0069 00 01df 00000007 00000001",
		"00000006", text("a \"b\"\n"),
		"0000000f", // 15 bytes of ext fields
		"0001", text("a"), "00000000",
		"0001", text("z"), "00000001", text("1"),
		text("body")), c.Append(nil, codec.Binary))

	got := c.Append([]byte("before"), codec.Binary)
	require.Equal(t, "before", string(got[:6]), "appended")
	back, _, err := codec.Decode(got[6:], codec.Limits{})
	require.NoError(t, err)
	require.Equal(t, ext{"z": "1"}, back.Ext, "an empty value is null in this encoding")
	require.Equal(t, "a \"b\"\n", back.Remark)
}

// A ROCKETMQ header has 16 bits for the code: POP_MESSAGE came out as 3442 (Java, executed).
func TestCommandAppendLargeCode(t *testing.T) {
	f := func(code int32, want codec.Encoding) {
		t.Helper()
		c := codec.Command{Code: code}
		back, enc, err := codec.Decode(c.Append(nil, codec.Binary), codec.Limits{})
		require.NoError(t, err)
		require.Equal(t, want, enc)
		require.Equal(t, code, back.Code)
	}
	f(0, codec.Binary)
	f(32767, codec.Binary)
	f(-32768, codec.Binary)
	f(32768, codec.JSON)
	f(200050, codec.JSON)
	f(-32769, codec.JSON)
}

func TestDecodeFailure(t *testing.T) {
	f := func(b []byte, want string) {
		t.Helper()
		_, _, err := codec.Decode(b, codec.Limits{})
		require.ErrorContains(t, err, want)
	}
	f(nil, "0 bytes are not a frame")
	f(make([]byte, 7), "7 bytes are not a frame")
	good := frame(`{"code":1}`, "body")
	f(good[:len(good)-1], "21 bytes do not make a frame of length 18")
	f(append(good, 0), "23 bytes do not make a frame of length 18")
	f(frame(`{"code":1`, ""), "no comma")
	f(prefix(3, 0), "below 4")
}

func TestReadCommand(t *testing.T) {
	stream, frames := conversation()
	for _, r := range []io.Reader{bytes.NewReader(stream), iotest.OneByteReader(bytes.NewReader(stream)), iotest.DataErrReader(bytes.NewReader(stream))} {
		for _, want := range frames {
			got, enc, err := codec.ReadCommand(r, codec.Limits{})
			require.NoError(t, err)
			decoded, wantEnc, err := codec.Decode(want, codec.Limits{})
			require.NoError(t, err)
			require.Equal(t, wantEnc, enc)
			require.Equal(t, decoded, got)
		}
		_, _, err := codec.ReadCommand(r, codec.Limits{})
		require.Equal(t, io.EOF, err, "at a frame boundary the end is no fault")
	}
	for n := 1; n < len(frames[0]); n++ {
		_, _, err := codec.ReadCommand(bytes.NewReader(frames[0][:n]), codec.Limits{})
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, "%d bytes", n)
	}
	_, _, err := codec.ReadCommand(strings.NewReader("GET / HTTP/1.1\r\n"), codec.Limits{})
	require.ErrorContains(t, err, "exceeds the limit")
}

// A peer that claims 16 MiB and sends nothing must not cost 16 MiB.
func TestReadCommandAllocatesAsBytesArrive(t *testing.T) {
	claim := prefix(16<<20-4, 10)
	r := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, _, err := codec.ReadCommand(bytes.NewReader(claim), codec.Limits{})
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				b.Fatal(err)
			}
		}
	})
	require.Less(t, r.AllocedBytesPerOp(), int64(256<<10))

	large := codec.Command{Code: 1, Body: bytes.Repeat([]byte("0123456789abcdef"), 1<<20)[:16<<20-200]}
	got, _, err := codec.ReadCommand(bytes.NewReader(large.Append(nil, codec.JSON)), codec.Limits{})
	require.NoError(t, err)
	require.True(t, bytes.Equal(large.Body, got.Body))
}

func TestAnswer(t *testing.T) {
	c := codec.Command{Code: 310, Opaque: 42, Flag: codec.FlagOneway, Ext: ext{"a": "b"}, Body: []byte("body")}
	h := codec.Header{Opaque: 42}
	for _, got := range []*codec.Command{c.Answer(14, "no broker"), h.Answer(14, "no broker")} {
		require.True(t, got.IsResponse())
		require.False(t, got.IsOneway())
		require.Equal(t, [2]int32{14, 42}, [2]int32{got.Code, got.Opaque})
		require.Equal(t, "no broker", got.Remark)
		require.GreaterOrEqual(t, got.Version, int32(codec.Version4_9_4), "below 232 a consumer with a filter refuses to start")
		require.Nil(t, got.Ext)
		require.Nil(t, got.Body)
	}
}

func TestAppendJSONString(t *testing.T) {
	f := func(s, want string) {
		t.Helper()
		require.Equal(t, want, string(codec.AppendJSONString(nil, s)))
		var back string
		require.NoError(t, json.Unmarshal([]byte(want), &back))
		require.Equal(t, string([]rune(s)), back, "each byte that is no UTF-8 becomes one U+FFFD")
	}
	f("", `""`)
	f("TopicTest", `"TopicTest"`)
	f("a\"b\\c/d", `"a\"b\\c/d"`)
	f("\n\r\t\x00\x01\x1f\x7f", "\"\\n\\r\\t\\u0000\\u0001\\u001f\x7f\"")
	f("é😀", `"é😀"`)
	f("a\xffb", "\"a\ufffdb\"")
}
