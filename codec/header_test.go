package codec_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

func TestHeaderScanGolden(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			p, err := codec.ReadPrefix(g.frame, codec.Limits{})
			require.NoError(t, err)
			require.Equal(t, codec.Prefix{Size: len(g.frame), HeaderLen: len(g.frame) - codec.PrefixLen - len(g.want.Body), Encoding: g.enc}, p)
			raw := g.frame[codec.PrefixLen:p.BodyOff()]
			var h codec.Header
			require.NoError(t, h.Scan(raw, p.Encoding))
			got := codec.Command{
				Code: h.Code, Language: h.Language, Version: h.Version, Opaque: h.Opaque, Flag: h.Flag,
				Remark: h.Remark(raw), Ext: fields(&h, raw), Body: g.want.Body,
			}
			require.Equal(t, g.want, got)
			require.Equal(t, g.want.Opaque == 0, h.NoOpaque)
			for k, v := range g.want.Ext {
				require.Equal(t, v, h.ExtString(raw, k))
			}
			_, ok := h.Ext(raw, "nothing")
			require.False(t, ok)
		})
	}
}

// fields collects the ext fields, nil when there are none.
func fields(h *codec.Header, raw []byte) map[string]string {
	var m map[string]string
	for k, v := range h.ExtFields(raw) {
		if v == nil {
			delete(m, string(k))
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[string(k)] = string(v)
	}
	return m
}

func TestHeaderScanJSONSuccess(t *testing.T) {
	f := func(raw string, want codec.Header, wantExt map[string]string) {
		t.Helper()
		var h codec.Header
		require.NoError(t, h.Scan([]byte(raw), codec.JSON))
		require.Equal(t, wantExt, fields(&h, []byte(raw)))
		got := codec.Header{Code: h.Code, Flag: h.Flag, Opaque: h.Opaque, Version: h.Version, Language: h.Language, NoOpaque: h.NoOpaque}
		require.Equal(t, want, got)
	}
	f(`{}`, codec.Header{NoOpaque: true}, nil)
	f("{\"opaque\":1}\n", codec.Header{Opaque: 1}, nil) // a trailing newline, as some writers leave one
	f("\r\n\t{ \"code\" : 34 ,\n\"opaque\":-2147483648 , \"flag\" : 3, \"version\":2147483647 } ",
		codec.Header{Code: 34, Opaque: -2147483648, Flag: 3, Version: 2147483647}, nil)
	f(`{"code":-1,"opaque":0,"language":null}`, codec.Header{Code: -1, Language: codec.LanguageUnknown}, nil)
	f(`{"opaque":1,"language":"\u004aAVA"}`, codec.Header{Opaque: 1, Language: codec.Java}, nil)
	f(`{"opaque":1,"language":"NODE_JS"}`, codec.Header{Opaque: 1, Language: codec.NodeJS}, nil)
	f(`{"opaque":1,"language":9}`, codec.Header{Opaque: 1, Language: codec.Go}, nil)
	f(`{"opaque":1,"language":99}`, codec.Header{Opaque: 1, Language: codec.LanguageUnknown}, nil)
	f(`{"opaque":1,"language":-1}`, codec.Header{Opaque: 1, Language: codec.LanguageUnknown}, nil)
	f(`{"code":"105","opaque":"-2147483648","flag":"1","version":"513"}`,
		codec.Header{Code: 105, Opaque: -2147483648, Flag: 1, Version: 513}, nil) // as Java reads them
	f(`{"opaque":1,"serializeTypeCurrentRPC":null,"remark":5}`, codec.Header{Opaque: 1}, nil)

	// Ext fields: absent, null and empty are the same; null fields are left out; the last of two counts, as for Java.
	f(`{"opaque":1,"extFields":null}`, codec.Header{Opaque: 1}, nil)
	f(`{"opaque":1,"extFields":{}}`, codec.Header{Opaque: 1}, nil)
	f(`{"extFields": { } ,"opaque":1}`, codec.Header{Opaque: 1}, nil)
	f(`{"opaque":1,"extFields":{"a":null,"b":"","c":"1","c":"2"}}`, codec.Header{Opaque: 1}, ext{"b": "", "c": "2"})
	f(`{"opaque":1,"extFields":{"n":5,"m":-1.5e3,"t":true,"f":false,"o":{"x":[1,{}]}}}`, codec.Header{Opaque: 1},
		ext{"n": "5", "m": "-1.5e3", "t": "true", "f": "false", "o": `{"x":[1,{}]}`})
	f(`{"opaque":1,"extFields":{"i":"TAGS\u0001TagA\u0002","\u0061":"\"\\\/\b\f\n\r\t\u00e9é\ud83d\ude00"}}`, codec.Header{Opaque: 1},
		ext{"i": "TAGS\x01TagA\x02", "a": "\"\\/\b\f\n\r\té" + "é😀"})
	f(`{"opaque":1,"extFields":{"a":"}","b":"{\"c\":\"d\"}","e":"\\"}}`, codec.Header{Opaque: 1},
		ext{"a": "}", "b": `{"c":"d"}`, "e": `\`})
	f(`{"opaque":1,"extFields":{"a":"\q"}}`, codec.Header{Opaque: 1}, ext{"a": "q"}) // an escape that JSON does not have: its character

	// Keys that no version reads are passed over, whatever their value.
	f(`{"opaque":1,"zzz":{"code":5,"a":[{},[],"]}",null,1.25]},"":0,"codes":"7","cod":8,"flag1":1}`, codec.Header{Opaque: 1}, nil)
	f(`{"opaque":1,"a":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+`}`, codec.Header{Opaque: 1}, nil)
}

func TestHeaderScanJSONFailure(t *testing.T) {
	f := func(raw, want string) {
		t.Helper()
		var h codec.Header
		err := h.Scan([]byte(raw), codec.JSON)
		require.ErrorContains(t, err, "malformed frame: JSON header has ")
		require.ErrorContains(t, err, want)
		require.IsType(t, (*codec.FrameError)(nil), err)
		require.Less(t, len(err.Error()), 300, "a peer must not fill logs")
	}
	f(``, "no '{' at byte 0 of 0")
	f(`[]`, "no '{'")
	f(`null`, "no '{'")
	f(`{`, "no key")
	f(`{"code":105`, "no comma")
	f(`{"code":105,}`, "no key")
	f(`{,"code":105}`, "no key")
	f(`{"code":105 "opaque":1}`, "no comma")
	f(`{"code"105}`, "no colon")
	f(`{code:105}`, "no key")
	f(`{105:105}`, "no key")
	f(`{"code":105}{}`, "bytes after the object")
	f("{\"code\":105}\x00", "bytes after the object")
	f(`{"code:105}`, "a string without an end")

	// Numbers must be plain: servers differ in what they make of anything else.
	for _, number := range []string{
		`null`, `""`, `"x"`, `"1`, `1"`, `"1 "`, `" 1"`, `"01"`, `"+1"`, `"1.0"`, `"1e2"`, `"\u0031"`, `"2147483648"`, `"null"`, `1.0`, `1e2`, `1E2`, `0105`, `00`, `-`, `+1`, `-01`, `2147483648`, `-2147483649`,
		`99999999999999999999999`, `true`, `{}`, `[1]`, ``, `0x10`, `1L`,
	} {
		for _, key := range []string{"code", "opaque", "flag", "version"} {
			f(`{"`+key+`":`+number+`}`, "no ")
		}
	}
	// One key, two readings: 4.9.7 takes the first of two, 5.5.0 the last; 4.9.7 ignores case and underscores.
	for _, key := range []string{"code", "language", "version", "opaque", "flag", "remark", "extFields", "serializeTypeCurrentRPC"} {
		value := `1`
		if key == "extFields" || key == "language" {
			value = `null`
		}
		f(`{"`+key+`":`+value+`,"x":1,"`+key+`":`+value+`}`, "twice")
		f(`{"`+strings.ToUpper(key)+`":`+value+`}`, "which servers read differently")
		f(`{"`+key[:1]+"_"+key[1:]+`-":`+value+`}`, "which servers read differently")
	}
	f(`{"extfields":{}}`, "which servers read differently")
	f(`{"\u0063ode":105}`, "which servers read differently") // an escaped key could be any of them

	// Ext fields must be well formed to their end, or absent.
	for _, bad := range []string{
		`[]`, `"a"`, `5`, `{"a":}`, `{"a"}`, `{"a":1,}`, `{"a":"b"]`, `{a:1}`, `{"a":"b" "c":"d"}`, `{"a":"b",,}`,
		`{"a":x}`, `{"a":tru}`, `{"a":1.}`, `{"a":1e}`, `{"a":.5}`, `{"a":[1,]}`, `{"a":[1 2]}`, `{"a":"b"`, `nullx`,
	} {
		f(`{"opaque":1,"extFields":`+bad+`}`, "no ")
	}
	f(`{"opaque":1,"extFields":{"a":"b\"}}`, "a string without an end")
	f(`{"language":5.0}`, "no comma")
	f(`{"language":true}`, "no usable value")
	f(`{"language":{}}`, "no usable value")
	f(`{"remark":"abc`, "a string without an end")

	// Nesting costs stack, so it is bounded: wherever it stands, and however long it is.
	f(`{"zzz":`+strings.Repeat("[", 65)+strings.Repeat("]", 65)+`}`, "more than 64 levels of nesting")
	f(`{"extFields":{"a":`+strings.Repeat(`{"a":`, 100_000)+`1`+strings.Repeat("}", 100_001)+`}`, "more than 64 levels of nesting")
	for _, open := range []string{`[`, `{"a":`} {
		deep := strings.Repeat(open, 100_000)
		f(`{"zzz":`+deep, "more than 64 levels of nesting")
		f(`{"extFields":`+deep, "more than 64 levels of nesting")
		f(`{"extFields":{"a":`+deep, "more than 64 levels of nesting")
	}
	f(`{"`+strings.Repeat("_", 100_000)+`code":1}`, "which servers read differently")
	f(`{"`+strings.Repeat("x", 100_000)+`":}`, "no value")
}

func TestHeaderScanBinaryFailure(t *testing.T) {
	f := func(raw []byte, want string) {
		t.Helper()
		var h codec.Header
		require.ErrorContains(t, h.Scan(raw, codec.Binary), want)
	}
	fixed := "0069 00 01df 00000007 00000000" // code, language, version, opaque, flag
	f(nil, "header of 0 bytes is shorter than its fixed part of 21")
	f(unhex(fixed, "00000000 000000"), "header of 20 bytes")
	f(unhex(fixed, "00000001 00000000"), "remark length 1")
	f(unhex(fixed, "ffffffff 00000000"), "remark length -1")
	f(unhex(fixed, "7fffffff 00000000"), "remark length 2147483647")
	f(unhex(fixed, "00000000 00000001"), "ext fields length 1")
	f(unhex(fixed, "00000000 ffffffff"), "ext fields length -1")
	f(unhex(fixed, "00000001 61 80000000"), "ext fields length -2147483648")
	for _, pairs := range []string{
		"00",                     // no room for a key's length
		"0001",                   // nor for the key
		"0001 61 000000",         // nor for the value's length
		"0001 61 00000002 62",    // nor for the value
		"ffff 61 00000001 62",    // negative
		"0001 61 ffffffff 62",    // negative
		"0001 61 00000001 62 00", // one good pair, then half a length
	} {
		b := unhex(pairs)
		f(append(unhex(fixed, "00000000 000000", text(string([]byte{byte(len(b))}))), b...), "do not end where their lengths say")
	}
}

func TestHeaderScanBinaryEmptyValueIsNull(t *testing.T) {
	raw := unhex("0069 00 01df 00000007 00000000 00000000 0000000f", "0001 6b 00000000", "0001 6c 00000001 76")
	var h codec.Header
	require.NoError(t, h.Scan(raw, codec.Binary))
	require.Equal(t, ext{"l": "v"}, fields(&h, raw))
}

// Java's maps take the last of two values, also when it is null: {"topic":"T","topic":null} asks for no topic.
func TestANullUndoesTheFieldBeforeIt(t *testing.T) {
	f := func(raw []byte, enc codec.Encoding, want string, wantOK bool) {
		t.Helper()
		var h codec.Header
		require.NoError(t, h.Scan(raw, enc))
		got, ok := h.Ext(raw, "k")
		require.Equal(t, wantOK, ok)
		require.Equal(t, want, string(got))
		field, inMap := fields(&h, raw)["k"]
		require.Equal(t, wantOK, inMap)
		require.Equal(t, want, field)
		c, _, err := codec.Decode(encoded(enc, string(raw), ""), codec.Limits{})
		require.NoError(t, err)
		field, inMap = c.Ext["k"]
		require.Equal(t, wantOK, inMap)
		require.Equal(t, want, field)
	}
	f([]byte(`{"opaque":1,"extFields":{"k":"v","k":null}}`), codec.JSON, "", false)
	f([]byte(`{"opaque":1,"extFields":{"k":"v","k":null,"k":"w"}}`), codec.JSON, "w", true)
	f([]byte(`{"opaque":1,"extFields":{"k":null,"k":""}}`), codec.JSON, "", true)
	f([]byte(`{"opaque":1,"extFields":{"k":"v","\u006b":null}}`), codec.JSON, "", false)
	fixed := "0069 00 01df 00000007 00000000 00000000"
	f(unhex(fixed, "0000000f", "0001 6b 00000001 76", "0001 6b 00000000"), codec.Binary, "", false)
	f(unhex(fixed, "00000010", "0001 6b 00000000", "0001 6b 00000002 7678"), codec.Binary, "vx", true)
}

// Of the requests only those can be matched with their answers that want one and say under which opaque.
func TestExpectsResponse(t *testing.T) {
	f := func(raw string, want bool) {
		t.Helper()
		var h codec.Header
		require.NoError(t, h.Scan([]byte(raw), codec.JSON))
		require.Equal(t, want, h.ExpectsResponse())
	}
	f(`{"code":105,"opaque":0}`, true)
	f(`{"code":105,"opaque":5,"flag":4}`, true)
	f(`{"code":105,"opaque":5,"flag":1}`, false)
	f(`{"code":105,"opaque":5,"flag":2}`, false)
	f(`{"code":105}`, false)
}

func TestHeaderExtOfNullIsAbsent(t *testing.T) {
	var h codec.Header
	raw := []byte(`{"extFields":{"n":null,"m":"null"}}`)
	require.NoError(t, h.Scan(raw, codec.JSON))
	_, ok := h.Ext(raw, "n")
	require.False(t, ok)
	require.Equal(t, "null", h.ExtString(raw, "m"))
}

// A broker of either line takes the null, as recorded in testdata/spellings.tsv ("ext topic then null").
func TestHeaderExtOfNullUndoesAnEarlierOne(t *testing.T) {
	for raw, enc := range map[string]codec.Encoding{
		`{"extFields":{"topic":"T","topic":null}}`: codec.JSON,
		"\x00\x69\x00\x00\x00\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17" +
			"\x00\x05topic\x00\x00\x00\x01T\x00\x05topic\x00\x00\x00\x00": codec.Binary,
	} {
		var h codec.Header
		require.NoError(t, h.Scan([]byte(raw), enc))
		_, ok := h.Ext([]byte(raw), "topic")
		require.False(t, ok)
		require.Empty(t, fields(&h, []byte(raw)))
		head := append(make([]byte, codec.PrefixLen), raw...)
		_, ok = codec.WithExt(head, &h, 0, "topic", "U")
		require.False(t, ok)
	}
}

// The relay's path must not make garbage: neither finding frames nor reading a field.
func TestScanAndExtAllocateNothing(t *testing.T) {
	c, _, err := codec.Decode(frame(sendV2, "body"), codec.Limits{}) // with escapes in the fields that nobody asks for
	require.NoError(t, err)
	for _, enc := range []codec.Encoding{codec.JSON, codec.Binary} {
		stream := c.Append(c.Append(nil, enc), enc)
		frames := make([]codec.Frame, 0, 8)
		require.Zero(t, testing.AllocsPerRun(100, func() {
			var s codec.Splitter
			got, used, err := s.Split(stream, frames[:0])
			if err != nil || used != len(stream) || len(got) != 2 {
				t.Fatal(err, used, len(got))
			}
			raw := stream[got[1].Off+codec.PrefixLen : got[1].BodyOff]
			if v, ok := got[1].Header.Ext(raw, "n"); !ok || string(v) != "broker-a" {
				t.Fatal(string(v), ok)
			}
			if _, ok := got[1].Header.Ext(raw, "bname"); ok {
				t.Fatal("found what is not there")
			}
		}), enc.String())
	}
}

func TestFlags(t *testing.T) {
	for flag, want := range [][2]bool{{false, false}, {true, false}, {false, true}, {true, true}} {
		h, c := codec.Header{Flag: int32(flag)}, codec.Command{Flag: int32(flag)}
		require.Equal(t, want, [2]bool{h.IsResponse(), h.IsOneway()})
		require.Equal(t, want, [2]bool{c.IsResponse(), c.IsOneway()})
	}
}

func TestNames(t *testing.T) {
	require.Equal(t, "SEND_MESSAGE_V2", codec.RequestCodeName(310))
	require.Equal(t, "GET_ROUTEINFO_BY_TOPIC", codec.RequestCodeName(105))
	require.Equal(t, "POP_MESSAGE", codec.RequestCodeName(200050))
	require.Equal(t, "54321", codec.RequestCodeName(54321))
	require.Equal(t, "SERVICE_NOT_AVAILABLE", codec.ResponseCodeName(14))
	require.Equal(t, "GO_AWAY", codec.ResponseCodeName(1500))
	require.Equal(t, "-1000", codec.ResponseCodeName(-1000))
	require.Equal(t, "JSON ROCKETMQ", codec.JSON.String()+" "+codec.Binary.String())
	require.Equal(t, "JAVA", codec.Java.String())
	require.Equal(t, "NODE_JS", codec.NodeJS.String())
	require.Equal(t, "UNKNOWN", codec.LanguageUnknown.String())
	require.Equal(t, "UNKNOWN", codec.Language(14).String())
}
