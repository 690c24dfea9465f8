package grpc

import (
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// knowledge is a metadata actor before a cluster that may be dead, with whom it answers.
type knowledge struct {
	t        *testing.T
	env      *env.Env
	metadata system.Sink
	asker    system.Sink

	mu    sync.Mutex
	dead  bool
	asked int
	came  []any // answers, in their order
}

func newKnowledge(t *testing.T) *knowledge {
	e := env.New(&transport.Net{}, slog.New(slog.DiscardHandler), env.Settings{}, func(why error) { t.Error(why) })
	k := &knowledge{t: t, env: e}
	root := e.System.Root
	cluster := root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		if q, ok := ctx.Message().(*messages.RouteQuery); ok {
			k.mu.Lock()
			defer k.mu.Unlock()
			if k.asked++; !k.dead {
				ctx.Send(q.To, &messages.RouteReply{X: q.X, Topic: q.Topic, Code: codec.ResTopicNotExist})
			}
		}
	}))
	k.asker = system.NewSink(e.System, root.Spawn(e.Props(func() actor.Actor { return k }, nil, nil)))
	s := &shared{Options: Options{Env: e, Cluster: func() *actor.PID { return cluster }}}
	k.metadata = system.NewSink(e.System, root.Spawn(e.Props(func() actor.Actor { return &metadata{shared: s} }, nil, nil)))
	synctest.Wait()
	return k
}

// Receive is part of actor.Actor.
func (k *knowledge) Receive(ctx actor.Context) {
	if m, ok := ctx.Message().(inquiry); ok {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.came = append(k.came, m)
	}
}

// die has the cluster answer nobody from now on, or answer again.
func (k *knowledge) die(dead bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.dead = dead
}

// answers are those that have come, and how often the cluster was asked.
func (k *knowledge) answers() (came []any, asked int) {
	synctest.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.came), k.asked
}

func (k *knowledge) ask(m inquiry) {
	m.asked().from = k.asker
	k.metadata.Deliver(m)
	synctest.Wait()
}

func (k *knowledge) end() {
	require.NoError(k.t, k.env.System.Root.StopFuture(k.metadata.PID).Wait())
	k.env.Shutdown()
	time.Sleep(time.Minute) // timers of the library end by themselves
}

// A cluster that has been restarted does not know whom it owes an answer. Nobody who asks later must wait for that one.
func TestATopicThatIsNotAnsweredIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKnowledge(t)
		defer k.end()
		k.die(true)
		k.ask(&topicQuery{topic: "orders"})
		k.ask(&groupQuery{group: "group", topic: "orders"})
		time.Sleep(askAgain)
		k.ask(&topicQuery{topic: "orders"})
		came, asked := k.answers()
		require.Equal(t, 1, asked, "those that ask at about the same time get one answer")
		require.Empty(t, came)
		k.die(false)
		time.Sleep(time.Second)
		k.ask(&topicQuery{topic: "orders"})
		came, asked = k.answers()
		require.Equal(t, 2, asked)
		require.Len(t, came, 4, "all have one, nobody is forgotten")
		require.Equal(t, translate.TopicNotFound("orders"), came[3].(*topicQuery).err)
	})
}

func TestGroupsThatClientsMakeUpAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKnowledge(t)
		defer k.end()
		k.die(true)
		for i := range maxGroups + 100 {
			k.metadata.Deliver(&groupQuery{question: question{from: k.asker}, group: fmt.Sprint("group", i), topic: "orders"})
		}
		came, _ := k.answers()
		require.Len(t, came, 100, "they go on with the usual configuration")
		time.Sleep(forgetUnused + 2*metadataTick)
		came, _ = k.answers()
		require.Len(t, came, maxGroups+100, "nobody waits for ever")
	})
}
