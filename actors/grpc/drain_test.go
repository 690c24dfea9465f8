package grpc_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/connectivity"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// drained begins a drain and tells when it is over.
func (f *fixture) drained() <-chan error {
	over := make(chan error, 1)
	go func() {
		_, err := f.Env.System.Root.RequestFuture(f.Top, &messages.Drain{Over: 10 * time.Second}, proxytest.Patience).Result()
		over <- err
	}()
	return over
}

func TestADrainWaitsForASendThatIsUnderWay(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		stream, _ := c.telemetry(producerOf("orders"))
		hold := f.cluster.Brokers()[0].Fault(codec.ReqSendMessageV2, embedded.Hold())
		sent := make(chan pb.Code, 1)
		go func() { sent <- c.send(message("orders", "held")).Status.Code }()
		require.NoError(t, hold.WaitHeld(t.Context(), 1))

		over := f.drained()
		m := &pb.TelemetryCommand{}
		require.NoError(t, stream.RecvMsg(m))
		require.NotNil(t, m.GetReconnectEndpointsCommand(), "the client is asked to connect elsewhere")
		select {
		case <-over:
			t.Fatal("the drain has not waited for the send")
		case <-time.After(500 * time.Millisecond):
		}
		hold.Release()
		require.Equal(t, pb.Code_OK, <-sent)
		require.NoError(t, <-over)
		f.Settle(1)
	})
}

func TestADrainEndsPolls(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		polled := f.polls()
		got := make(chan pb.Code, 1)
		go func() {
			_, code := c.receive(receiveRequest("orders"))
			got <- code
		}()
		<-polled
		over := f.drained()
		require.Equal(t, pb.Code_MESSAGE_NOT_FOUND, <-got)
		require.NoError(t, <-over)
	})
}

func TestAConnectionCountsUntilItEnds(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		const open = `rocketmq_proxy_downstream_connections{listener="office",port="name-server",broker=""}`
		c, secure := f.client(), f.secureClient()
		require.Equal(t, pb.Code_OK, c.send(message("orders", "x")).Status.Code)
		require.Equal(t, pb.Code_OK, secure.send(message("orders", "x")).Status.Code)
		f.Until("both are counted", func() bool { return f.counted(open) == 2 })
		require.NoError(t, c.conn.Close())
		require.NoError(t, secure.conn.Close())
		never := f.client() // it ends before its first call
		never.conn.Connect()
		for s := never.conn.GetState(); s != connectivity.Ready; s = never.conn.GetState() {
			require.True(t, never.conn.WaitForStateChange(never.context(10*time.Second), s))
		}
		require.NoError(t, never.conn.Close())
		f.Settle(3)
		require.Empty(t, f.actorsOf("connection"))
	})
}

func TestConnectionsTakePermits(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		s := *f.Env.Settings()
		s.ConnectionsPerAddress = 1
		f.Env.Adjust(s)
		c := f.client()
		require.Equal(t, pb.Code_OK, c.send(message("orders", "x")).Status.Code)
		other := f.client()
		err := other.conn.Invoke(other.context(5*time.Second), path("Heartbeat"), &pb.HeartbeatRequest{}, &pb.HeartbeatResponse{})
		require.Error(t, err)
		require.Positive(t, f.Rejections("office", "connections_per_address"))
		require.NoError(t, c.conn.Close())
		f.Until("the permit is given back", func() bool {
			return other.conn.Invoke(other.context(5*time.Second), path("Heartbeat"), &pb.HeartbeatRequest{}, &pb.HeartbeatResponse{}) == nil
		})
	})
}
