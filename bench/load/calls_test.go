//go:build linux

package load

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// grpcAddress is that of a proxy before an embedded RocketMQ, with the topic.
func grpcAddress(t *testing.T) string {
	cluster := proxytest.StartCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: wire.BrokerName}}})
	require.NoError(t, cluster.Brokers()[0].CreateTopic(wire.Topic, 2))
	p := proxytest.Start(t, proxytest.Best, proxytest.Options{NameServers: cluster.NameServers(), Listener: func(l *actors.Listener) {
		l.GRPC.Enabled = true
	}})
	return p.Tree.Listeners[0].Addr().String()
}

func TestGRPCClientsAreMeasured(t *testing.T) {
	address := grpcAddress(t)
	for _, w := range []Workload{GRPCSend, GRPCReceive} {
		s := Spec{GRPC: address, Workload: w, Connections: 2, Window: 2, Warmup: time.Millisecond, Measure: 20 * time.Millisecond}
		n, err := s.open()
		require.NoError(t, err)
		require.NoError(t, n.slice())
		require.NoError(t, n.count())
		require.Positive(t, n.outcome.Requests)
		require.Len(t, n.calls.took, n.outcome.Requests)
		require.NoError(t, n.slice(), "it rests in between")
	}
}

func TestIdleGRPCClientsWait(t *testing.T) {
	s := Spec{GRPC: grpcAddress(t), Connections: 3, Idle: true, Settle: time.Millisecond, Candidate: process.Group{}}
	n, err := s.open()
	require.NoError(t, err)
	require.NoError(t, n.slice())
	require.Len(t, n.calls.clients, 3)
	_, timed := n.took()
	require.False(t, timed)
}

func TestAGRPCCallThatFailsEndsTheLoad(t *testing.T) {
	cluster := proxytest.StartCluster(t, embedded.Options{})
	p := proxytest.Start(t, proxytest.Best, proxytest.Options{NameServers: cluster.NameServers(), Listener: func(l *actors.Listener) {
		l.GRPC.Enabled = true
	}})
	s := Spec{GRPC: p.Tree.Listeners[0].Addr().String(), Workload: GRPCSend, Connections: 1, Window: 1, Measure: time.Millisecond}
	n, err := s.open()
	require.NoError(t, err)
	require.ErrorIs(t, n.slice(), errRefused, "there is no such topic")
}
