package grpc_test

import (
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// raw is a codec for requests that are no protobuf.
type raw struct{}

func (raw) Name() string                    { return "proto" }
func (raw) Marshal(v any) ([]byte, error)   { return v.([]byte), nil }
func (raw) Unmarshal(b []byte, v any) error { *v.(*[]byte) = b; return nil }

// strangers are what clients may begin with instead: nothing more, half a preface, a frame that HTTP/2 forbids, half a TLS hello.
var strangers = []string{
	http2.ClientPreface, http2.ClientPreface[:5], "\x16\x03\x01\x00\x05hello",
	http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00" + "\x00\x00\x03\x08\x00\x00\x00\x00\x00abc",
}

// Clients that speak no HTTP/2, no gRPC or none of the API are turned away and counted. Others notice nothing, and nothing stays.
func TestHostileClientsCostNobodyElse(t *testing.T) {
	proxytest.OnBothAlone(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		require.Equal(t, pb.Code_OK, c.send(message("orders", "before")).Status.Code)
		malformed := func() int {
			return f.Metric(`rocketmq_proxy_malformed_frames_total{looks_like="` + codec.LooksLikeGRPC + `"}`)
		}
		goroutines := runtime.NumGoroutine()
		before, _ := f.Env.Transport.Buffered()
		var all []net.Conn
		for range 50 {
			for _, begin := range strangers {
				nc, err := net.Dial("tcp", f.Tree.Listeners[0].Addr().String())
				require.NoError(t, err)
				all = append(all, nc)
				_, err = io.WriteString(nc, begin)
				require.NoError(t, err)
			}
		}
		require.Equal(t, pb.Code_OK, c.send(message("orders", "meanwhile")).Status.Code)
		f.Until("those that break HTTP/2 are counted", func() bool { return malformed() >= 50 })
		for _, nc := range all {
			nc.Close()
		}
		f.Until("nothing of them is left", func() bool {
			now, _ := f.Env.Transport.Buffered()
			return runtime.NumGoroutine() <= goroutines+10 && now <= before
		})
	})
}

func TestARequestThatIsNoProtobufIsRefusedAndCounted(t *testing.T) {
	proxytest.OnBothAlone(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		var answer []byte
		require.NoError(t, c.conn.Invoke(c.context(10*time.Second), path("SendMessage"), []byte("\xff\xff"), &answer, grpc.ForceCodec(raw{})))
		require.Contains(t, string(answer), "cannot read the request")
		require.Equal(t, 1, f.Metric(`rocketmq_proxy_malformed_frames_total{looks_like="`+codec.LooksLikeGRPC+`"}`))
		require.Equal(t, pb.Code_OK, c.send(message("orders", "fine")).Status.Code)
	})
}

// Clients may name topics and groups as they like, and what is remembered of them is counted.
func TestWhatAProducerSaysThatItPublishesCountsUntilItHasLeft(t *testing.T) {
	proxytest.OnBothAlone(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		s := producerOf("orders")
		for range 900 {
			s.GetPublishing().Topics = append(s.GetPublishing().Topics, resource(strings.Repeat("x", 100)+message("", "").SystemProperties.MessageId))
		}
		before, _ := f.Env.Transport.Buffered()
		_, _ = f.client().telemetry(s)
		f.Until("its topics count", func() bool {
			now, _ := f.Env.Transport.Buffered()
			return now-before > 900*500
		})
		f.Kill(f.actorsOf("session")[0])
		f.Until("they no longer do", func() bool {
			now, _ := f.Env.Transport.Buffered()
			return now-before < 100<<10
		})
	})
}
