package grpc

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport/rpc"
)

// A question that a panic has taken with it is never answered. Its call must not stay for ever.
func TestACallWhoseClientHasLeftEnds(t *testing.T) {
	for name, open := range map[string]int{"no question": 0, "a question is lost": 1} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKnowledge(t)
				defer k.end()
				c := &call{shared: &shared{Options: Options{Env: k.env, StatPrefix: func() string { return "" }}}, rpc: &rpc.Call{}}
				c.open = open
				pid := k.env.System.Root.Spawn(k.env.Props(func() actor.Actor { return c }, nil, nil))
				there := func() bool {
					synctest.Wait()
					_, there := k.env.System.ProcessRegistry.GetLocal(pid.Id)
					return there
				}
				require.True(t, there())
				k.env.System.Root.Send(pid, &rpc.Canceled{})
				require.Equal(t, open > 0, there(), "an answer may come, and be given back")
				time.Sleep(linger)
				require.False(t, there())
			})
		})
	}
}
