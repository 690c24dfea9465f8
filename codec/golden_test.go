package codec_test

import (
	"encoding/hex"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// golden is a frame that a real peer made, or a header that one was given, with what it means.
type golden struct {
	name  string
	frame []byte
	enc   codec.Encoding
	want  codec.Command
	exact bool // our own writer gives the very same bytes
}

// Frames made by the codecs of the official clients, executed: Go client at 2173d07, Java remoting 5.3.3.
var goldens = []golden{
	{
		name: "Go client, JSON",
		frame: unhex(
			"00000070", // total 112
			"0000006c", // JSON, header of 108 bytes
			text(`{"code":105,"language":"GO","version":317,"opaque":7,"flag":0,"remark":"","extFields":{"topic":"TopicTest"}}`)),
		want: codec.Command{Code: 105, Language: codec.Go, Version: 317, Opaque: 7, Ext: ext{"topic": "TopicTest"}},
	},
	{
		name: "Go client, ROCKETMQ",
		frame: unhex(
			"0000002d", // total 45
			"01000029", // ROCKETMQ, header of 41 bytes
			"0069",     // code 105
			"09",       // language GO
			"013d",     // version 317
			"00000007", // opaque
			"00000000", // flag
			"00000000", // no remark
			"00000014", // 20 bytes of ext fields
			"0005", text("topic"), "00000009", text("TopicTest")),
		enc:   codec.Binary,
		want:  codec.Command{Code: 105, Language: codec.Go, Version: 317, Opaque: 7, Ext: ext{"topic": "TopicTest"}},
		exact: true,
	},
	{
		name: "Java, JSON",
		frame: unhex(
			"000000a7", // total 167
			"000000a3", // JSON, header of 163 bytes
			text(`{"code":105,"extFields":{"topic":"TopicTest","acceptStandardJsonOnly":"true"},"flag":0,"language":"JAVA","opaque":7,"serializeTypeCurrentRPC":"JSON","version":479}`)),
		want: codec.Command{Code: 105, Language: codec.Java, Version: 479, Opaque: 7, Ext: ext{"topic": "TopicTest", "acceptStandardJsonOnly": "true"}},
	},
	{
		name: "Java, ROCKETMQ",
		frame: unhex(
			"0000004d", // total 77
			"01000049", // ROCKETMQ, header of 73 bytes
			"0069 00 01df 00000007 00000000 00000000",
			"00000034", // 52 bytes of ext fields
			"0005", text("topic"), "00000009", text("TopicTest"),
			"0016", text("acceptStandardJsonOnly"), "00000004", text("true")),
		enc:  codec.Binary,
		want: codec.Command{Code: 105, Language: codec.Java, Version: 479, Opaque: 7, Ext: ext{"topic": "TopicTest", "acceptStandardJsonOnly": "true"}},
	},
	{
		name:  "answer with a body and a null remark",
		frame: frame(`{"code":0,"flag":1,"opaque":9,"version":401,"remark":null}`, "body"),
		want:  codec.Command{Code: 0, Version: 401, Opaque: 9, Flag: 1, Body: []byte("body")},
	},
	{
		name:  "unknown language, ext fields that are no strings",
		frame: frame(`{"code":105,"language":"KLINGON","opaque":5,"extFields":{"topic":"T","n":5,"b":true}}`, ""),
		want:  codec.Command{Code: 105, Language: codec.LanguageUnknown, Opaque: 5, Ext: ext{"topic": "T", "n": "5", "b": "true"}},
	},
	{
		name:  "unknown key, null ext fields, no opaque",
		frame: frame(`{"code":105,"zzz":{"a":1},"extFields":null}`, ""),
		want:  codec.Command{Code: 105},
	},
}

type ext = map[string]string

// frame puts a JSON header and a body into a frame.
func frame(header, body string) []byte { return encoded(codec.JSON, header, body) }

func encoded(enc codec.Encoding, header, body string) []byte {
	return append(prefix(uint32(4+len(header)+len(body)), uint32(enc)<<24|uint32(len(header))), header+body...)
}

// prefix is the first eight bytes of a frame.
func prefix(total, mark uint32) []byte {
	return []byte{byte(total >> 24), byte(total >> 16), byte(total >> 8), byte(total), byte(mark >> 24), byte(mark >> 16), byte(mark >> 8), byte(mark)}
}

// text is a piece of text for unhex.
func text(s string) string { return hex.EncodeToString([]byte(s)) }

func unhex(parts ...string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(strings.Join(parts, ""), " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}
