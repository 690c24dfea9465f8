package codec_test

import (
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// sendV2 is what a Java 5.x producer sends for one message, 425 bytes.
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
