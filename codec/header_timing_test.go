package codec_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// sendV2 is what a Java 5.x producer sends for one message, 388 bytes.
const sendV2 = `{"code":310,"extFields":{"a":"please_rename_unique_group_name","b":"TopicTest","c":"TBW102","d":"4","e":"3","f":"0",` +
	`"g":"1700000000000","h":"0","i":"TAGS\u0001TagA\u0002UNIQ_KEY\u00017F0000010A5C18B4AAC21F4F0B8A0000\u0002WAIT\u0001true\u0002",` +
	`"j":"0","k":"false","l":"0","m":"false","n":"broker-a"},"flag":0,"language":"JAVA","opaque":12345,"serializeTypeCurrentRPC":"JSON","version":513}`

func BenchmarkScanJSON(b *testing.B) {
	raw := []byte(sendV2)
	var h codec.Header
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Scan(raw, codec.JSON); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScanBinary(b *testing.B) {
	c, _, err := codec.Decode(frame(sendV2, ""), codec.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	raw := c.Append(nil, codec.Binary)[codec.PrefixLen:]
	var h codec.Header
	b.SetBytes(int64(len(raw)))
	b.ReportAllocs()
	for b.Loop() {
		if err := h.Scan(raw, codec.Binary); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExt(b *testing.B) {
	raw := []byte(sendV2)
	var h codec.Header
	if err := h.Scan(raw, codec.JSON); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := h.Ext(raw, "n"); !ok {
			b.Fatal("not found")
		}
	}
}

// A read that returned 16 sends with bodies of 512 bytes.
func BenchmarkSplit(b *testing.B) {
	stream := bytes.Repeat(frame(sendV2, strings.Repeat("x", 512)), 16)
	frames := make([]codec.Frame, 0, 16)
	b.SetBytes(int64(len(stream)))
	b.ReportAllocs()
	for b.Loop() {
		var s codec.Splitter
		if got, _, err := s.Split(stream, frames[:0]); err != nil || len(got) != 16 {
			b.Fatal(err, len(got))
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	c, _, err := codec.Decode(frame(sendV2, ""), codec.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = c.Append(dst[:0], codec.JSON)
	}
}

// How fast this machine is at present: one comparison per byte of the same header. Compare the others with it.
func BenchmarkCountQuotes(b *testing.B) {
	raw := []byte(sendV2)
	b.SetBytes(int64(len(raw)))
	n := 0
	for b.Loop() {
		for _, ch := range raw {
			if ch == '"' {
				n++
			}
		}
	}
	if n == 0 {
		b.Fatal("no quotes")
	}
}
