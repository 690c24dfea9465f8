package codec_test

import (
	"bytes"
	"fmt"
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

// The same with the memory that a relay has, for what clients and servers send after one another: of one client, and of
// many, who have all values different.
func BenchmarkLayouts(b *testing.B) {
	text := func(list ...string) (raw [][]byte) {
		for _, h := range list {
			raw = append(raw, []byte(h))
		}
		return raw
	}
	next := strings.NewReplacer("12345", "12346", "1700000000000", "1700000000321", "0B8A0000", "0B8A0001", `"e":"3"`, `"e":"2"`).Replace(sendV2)
	other := strings.NewReplacer("please_rename", "another", "TopicTest", "orders", "broker-a", "b-2", "7F0000", "AC1100", "TagA", "").Replace(next)
	const answer = `{"code":0,"extFields":{"queueId":"3","msgId":"7F00000100002A9F00000000000012A6","queueOffset":"991"},"flag":1,"language":"JAVA","opaque":12345,"serializeTypeCurrentRPC":"JSON","version":513}`
	const second = `{"code":0,"extFields":{"queueId":"2","msgId":"7F00000100002A9F0000000000001371","queueOffset":"1002"},"flag":1,"language":"JAVA","opaque":12346,"serializeTypeCurrentRPC":"JSON","version":513}`
	binaries := func(list ...string) (raw [][]byte) {
		for _, h := range list {
			c, _, err := codec.Decode(frame(h, ""), codec.Limits{})
			if err != nil {
				b.Fatal(err)
			}
			raw = append(raw, c.Append(nil, codec.Binary)[codec.PrefixLen:])
		}
		return raw
	}
	for _, load := range []struct {
		name string
		list [][]byte
		enc  codec.Encoding
	}{
		{"opaques", text(sendV2, strings.Replace(sendV2, "12345", "12346", 1)), codec.JSON},
		{"sends", text(sendV2, next), codec.JSON},
		{"sends of many", text(sendV2, next, other), codec.JSON},
		{"answers", text(answer, second), codec.JSON},
		{"in another order", randomOrder(300), codec.JSON},
		{"binary opaques", binaries(sendV2, strings.Replace(sendV2, "12345", "12346", 1)), codec.Binary},
		{"binary sends", binaries(sendV2, next), codec.Binary},
	} {
		for _, known := range []*codec.Layouts{nil, {}} {
			name := load.name + "/scanned"
			if known != nil {
				name = load.name + "/known"
			}
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				var h codec.Header
				for i := 0; b.Loop(); i++ {
					if err := known.Scan(&h, load.list[i%len(load.list)], load.enc); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// randomOrder makes headers as the Go client writes them: its ext fields come in another order each time.
func randomOrder(n int) (list [][]byte) {
	c, _, err := codec.Decode(frame(sendV2, ""), codec.Limits{})
	if err != nil {
		panic(err)
	}
	for i := range n {
		h := fmt.Appendf(nil, `{"code":310,"language":"GO","version":317,"opaque":%d,"flag":0,"remark":"","extFields":{`, i)
		for k, v := range c.Ext {
			h = append(codec.AppendJSONString(append(codec.AppendJSONString(h, k), ':'), v), ',')
		}
		list = append(list, append(h[:len(h)-1], "}}"...))
	}
	return list
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

// What a relay reads of the answer to a send.
func BenchmarkExtOfAnAnswer(b *testing.B) {
	raw := []byte(`{"code":0,"extFields":{"queueId":"3","TRACE_ON":"true","MSG_REGION":"DefaultRegion","msgId":"7F00000100002A9F00000000000012A6","queueOffset":"991"},"flag":1,"language":"JAVA","opaque":12345,"serializeTypeCurrentRPC":"JSON","version":513}`)
	var known codec.Layouts
	var h codec.Header
	for range 2 {
		if err := known.Scan(&h, raw, codec.JSON); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, ok := h.Ext(raw, "msgId"); !ok {
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
