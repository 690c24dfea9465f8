package cluster

import (
	"context"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// What a cluster has asked for when it is stopped, and everything begins anew, is not taken by its successor for a
// question that is still on its way.
func TestStoppedClusterLeavesNoQuestionOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent := func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
		e := env.New(&transport.Net{Dialer: silent}, slog.New(slog.DiscardHandler), env.Settings{}, func(why error) { t.Error(why) })
		d := New("main", []string{"ns:9876"}, time.Hour)
		root := e.System.Root
		told := make(chan *messages.RouteReply, 10)
		asker := root.Spawn(e.Props(func() actor.Actor {
			return actor.ReceiveFunc(func(ctx actor.Context) {
				if m, ok := ctx.Message().(*messages.RouteReply); ok {
					told <- m
				}
			})
		}, nil, nil))
		for range 2 {
			pid := root.Spawn(e.Props(func() actor.Actor { return &clusterActor{Cluster: d, env: e} }, nil, nil))
			root.Send(pid, &messages.RouteQuery{X: messages.NewExchange(), Topic: "News", To: asker})
			synctest.Wait()
			require.True(t, d.entries[key{topic: "News"}].asking)
			require.NoError(t, root.StopFuture(pid).Wait())
			synctest.Wait()
			require.Len(t, told, 1, "who waits is answered")
			<-told
		}
		require.NoError(t, root.StopFuture(asker).Wait())
		e.Shutdown()
		time.Sleep(time.Minute) // timers of the library end by themselves
	})
}
