package grpc_test

import (
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// report is what the only connection says of itself.
func (f *fixture) report() *messages.ClientReport {
	f.T.Helper()
	got := make(chan *messages.ClientReport, 10)
	to := f.Env.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if r, ok := ctx.Message().(*messages.ClientReport); ok {
			got <- r
		}
	}))
	defer f.Env.System.Root.Stop(to)
	f.Env.System.Root.Send(f.Top, &messages.Report{To: to})
	select {
	case r := <-got:
		return r
	case <-time.After(proxytest.Patience):
		require.Fail(f.T, "the report is missing")
		return nil
	}
}

func TestAConnectionReportsWhoItsClientIs(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		kind := pb.ClientType_PUSH_CONSUMER
		c.telemetry(&pb.Settings{ClientType: &kind, PubSub: &pb.Settings_Subscription{Subscription: &pb.Subscription{
			Group: resource("group"), Subscriptions: []*pb.SubscriptionEntry{{Topic: resource("orders")}},
		}}})
		r := f.report()
		require.Equal(t, "grpc", r.Protocol)
		require.Equal(t, "name-server", r.Role)
		require.Equal(t, c.id, r.ClientID)
		require.Equal(t, "GO", r.Language)
		require.Equal(t, "group", r.Group)
		require.Equal(t, []string{"orders"}, r.Topics)
		require.Zero(t, r.InFlight, "the stream is no request")
		require.NotEmpty(t, r.Remote)
		polled := f.polls()
		received := make(chan struct{})
		go func() {
			defer close(received)
			c.receive(receiveRequest("orders"))
		}()
		<-polled
		require.Equal(t, 1, f.report().InFlight)
		require.Equal(t, pb.Code_OK, c.send(message("orders", "ends the poll")).Status.Code)
		<-received
		f.Until("the poll has ended", func() bool { return f.report().InFlight == 0 })
	})
}
