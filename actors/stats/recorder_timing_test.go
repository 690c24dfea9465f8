package stats

import (
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// What a request and its answer cost that come alone, and sixteen of them together.
func BenchmarkRecorder(b *testing.B) {
	for _, n := range []int{1, 16} {
		b.Run(map[int]string{1: "one", 16: "sixteen"}[n], func(b *testing.B) {
			var r Recorder
			port := &messages.Port{Listener: "it"}
			requests, answers := &messages.Delta{DownstreamReceived: 1}, &messages.Delta{UpstreamReceived: 1}
			for range n {
				requests.Add(messages.Sample{Kind: messages.RequestRead, Code: codec.ReqSendMessageV2})
				answers.Add(messages.Sample{Kind: messages.ResponseRead})
				answers.Add(messages.Sample{Kind: messages.RequestAnswered, Code: codec.ReqSendMessageV2, Nanos: 1000})
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				r.Add(port, requests)
				r.Add(port, answers)
				if i%4096 == 0 {
					r.take()
				}
			}
		})
	}
}
