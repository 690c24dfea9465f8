package connection_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// A client with too many requests in flight is not read until answers come; nothing is lost and the order is kept.
func TestRequestsPerConnection(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{RequestsPerConnection: 3}}, func(t *testing.T, s *proxytest.Sim) {
		c := s.Dial(proxytest.OfficeBrokerPort)
		var all []*codec.Command
		var want []int32
		for i := range int32(10) {
			p := proxytest.PullRequest(i)
			if i == 6 {
				p.Flag = codec.FlagOneway
			}
			all, want = append(all, p), append(want, i)
		}
		c.WriteFrames(all...)
		b := s.Broker.Accept()
		got := b.Opaques()
		require.Equal(t, want[:3], got)
		time.Sleep(time.Minute)
		require.Empty(t, b.Opaques(), "long polls count")
		var answered []int32
		for i := range want {
			if i != 6 {
				b.WriteFrames(proxytest.PullAnswer(want[i]))
				answered = append(answered, c.Opaques()...)
				got = append(got, b.Opaques()...)
			}
			require.LessOrEqual(t, len(got), i+1+3+1)
		}
		require.Equal(t, want, got)
		require.Equal(t, []int32{0, 1, 2, 3, 4, 5, 7, 8, 9}, answered)
		time.Sleep(time.Second)
		require.Equal(t, 1, s.Metric(`rocketmq_proxy_downstream_read_pauses_total{listener="office",port="broker",broker="broker-a/0"}`))
	})
}

// Requests that nobody ever answers do not hold a client back for ever.
func TestRequestsPerConnectionExpire(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{RequestsPerConnection: 2}}, func(t *testing.T, s *proxytest.Sim) {
		c := s.Dial(proxytest.OfficeBrokerPort)
		var all []*codec.Command
		for i := range int32(4) {
			all = append(all, &codec.Command{Code: codec.ReqEndTransaction, Opaque: i})
		}
		c.WriteFrames(all...)
		b := s.Broker.Accept()
		require.Equal(t, []int32{0, 1}, b.Opaques())
		time.Sleep(21 * time.Second)
		require.Equal(t, []int32{2, 3}, b.Opaques())
	})
}

// A client that drains with requests held back gets all its answers first.
func TestDrainWaitsForRequestsHeldBack(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{RequestsPerConnection: 1}}, func(t *testing.T, s *proxytest.Sim) {
		c := s.Dial(proxytest.OfficeBrokerPort)
		c.WriteFrames(proxytest.PullRequest(1), proxytest.PullRequest(2), proxytest.PullRequest(3))
		b := s.Broker.Accept()
		s.Drain(messages.Drain{})
		for i := range int32(3) {
			require.Equal(t, []int32{i + 1}, b.Opaques())
			require.True(t, c.Open())
			b.WriteFrames(proxytest.PullAnswer(i + 1))
			require.Equal(t, []int32{i + 1}, c.Opaques())
		}
		require.False(t, c.Open())
	})
}
