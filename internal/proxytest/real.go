package proxytest

import (
	"context"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Sockets makes a transport.
type Sockets func(t testing.TB, limits codec.Limits, window int) transport.Transport

// Best is what the proxy runs on: event loops on Linux.
func Best(t testing.TB, limits codec.Limits, window int) transport.Transport {
	tr, stop, err := transport.New(limits, window, 0, 0, FromEnvironment()...)
	require.NoError(t, err)
	t.Cleanup(stop)
	return tr
}

// FromEnvironment has tests run without io_uring where the environment says so, as it does to a configuration.
func FromEnvironment() []transport.Option {
	if os.Getenv("ROCKETMQ_PROXY_TRANSPORT__IO_URING") == "off" {
		return []transport.Option{transport.WithoutIOUring()}
	}
	return nil
}

// Goroutines is what it runs on elsewhere.
func Goroutines(_ testing.TB, limits codec.Limits, window int) transport.Transport {
	return &transport.Net{Limits: limits, Window: window}
}

// SlowDial makes a transport on which dials to a broker wait for the gate; broker is set once it is known.
func SlowDial(broker *atomic.Pointer[string], gate <-chan struct{}) Sockets {
	return func(_ testing.TB, limits codec.Limits, window int) transport.Transport {
		return &transport.Net{Limits: limits, Window: window, Dialer: func(ctx context.Context, network, address string) (net.Conn, error) {
			if b := broker.Load(); b != nil && *b == address {
				<-gate
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
	}
}

// OnBoth runs a test on both transports: clients and brokers must not see which it is.
func OnBoth(t *testing.T, test func(t *testing.T, on Sockets)) {
	t.Parallel()
	t.Run("best", func(t *testing.T) { t.Parallel(); test(t, Best) })
	t.Run("goroutines", func(t *testing.T) { t.Parallel(); test(t, Goroutines) })
}

// OnBothAlone is OnBoth for tests that look at the memory of the process: nothing else runs meanwhile.
func OnBothAlone(t *testing.T, test func(t *testing.T, on Sockets)) {
	t.Run("best", func(t *testing.T) { test(t, Best) })
	t.Run("goroutines", func(t *testing.T) { test(t, Goroutines) })
}

// Real is one proxy on real sockets.
type Real struct {
	*Proxy
	Broker *FakeBroker // nil when options name the name servers
}

// Start starts a proxy and waits until it is open and knows the brokers. It ends with the test.
func Start(t testing.TB, on Sockets, o Options) *Real {
	t.Helper()
	var broker *FakeBroker
	if o.NameServers == nil {
		broker = NewFakeBroker(t)
		cl := StartCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: BrokerA.Name, Advertise: broker.Address}}})
		o.NameServers = cl.NameServers()
	}
	r := Launch(t, on, o)
	r.Broker = broker
	r.UntilOpen()
	return r
}

// Launch is Start without the waiting. The name servers are up to the options.
func Launch(t testing.TB, on Sockets, o Options) *Real {
	t.Helper()
	if o.Listeners == nil {
		o.Listeners = []string{"office"}
	}
	r := &Real{Proxy: newProxy(t, on(t, o.Limits, o.Window), o, func(int) string { return "127.0.0.1:0" })}
	r.Proxy.Start()
	t.Cleanup(r.stop)
	return r
}

// StartCluster starts an embedded cluster, which ends with the test.
func StartCluster(t testing.TB, o embedded.Options) *embedded.Cluster {
	t.Helper()
	cl, err := embedded.Start(o)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

// Pinned connects a client to broker-a's port and, by one oneway request, to the broker itself.
func (r *Real) Pinned() (client, broker *Client) {
	r.T.Helper()
	return pin(Dial(r.T, r.Port(BrokerA)), r.Broker)
}

func pin(client *Client, on *FakeBroker) (_, broker *Client) {
	client.T.Helper()
	client.Send(&codec.Command{Code: codec.ReqUpdateConsumerOffset, Flag: codec.FlagOneway})
	broker = on.Accept()
	require.Equal(client.T, codec.ReqUpdateConsumerOffset, broker.Next().Code)
	return client, broker
}

// Kill makes an actor panic and waits until its supervisor has taken note.
func (r *Real) Kill(id string) {
	r.T.Helper()
	before := r.Env.Failures.Of(id).Count
	r.Proxy.Kill(id)
	r.Until(id+" has failed", func() bool { return r.Env.Failures.Of(id).Count > before })
}
