package actors_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// bench is a directory in virtual time with name servers behind pipes.
type bench struct {
	t   *testing.T
	env *actors.Env
	dir *actors.Cluster
	pid *actor.PID

	mu      sync.Mutex
	servers map[string]func(c *codec.Command) *codec.Command // nobody listens at other addresses
	asked   map[string]int                                   // "address topic", "address cluster"
}

// inBubble runs a test with a directory of the name servers ns1 and ns2, which know broker-a at 10.0.0.1:10911.
func inBubble(t *testing.T, test func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, asked: map[string]int{}, servers: map[string]func(*codec.Command) *codec.Command{"ns1:9876": proxytest.Knows("10.0.0.1:10911"), "ns2:9876": proxytest.Knows("10.0.0.1:10911")}}
		tr := &transport.Net{Dialer: b.dial}
		b.env = actors.NewEnv(tr, slog.New(slog.DiscardHandler), actors.Settings{}, func(why error) { t.Errorf("gave up: %v", why) })
		b.env.InjectFaults()
		b.dir = actors.NewCluster("main", []string{"ns1:9876", "ns2:9876"}, 0)
		top, err := b.env.Start(&actors.Tree{Stats: actors.NewStatistics(), Clusters: []*actors.Cluster{b.dir}})
		require.NoError(t, err)
		b.pid = b.env.System.NewLocalPID("proxy/cluster/main")
		defer func() {
			if err := b.env.Stop(top); err != nil {
				t.Errorf("the actors do not stop: %v", err)
			}
			time.Sleep(time.Minute) // timers of the library end by themselves
		}()
		time.Sleep(time.Second) // the first look is over
		test(t, b)
	})
}

func (b *bench) dial(_ context.Context, _, address string) (net.Conn, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.servers[address] == nil {
		return nil, errors.New("connection refused")
	}
	near, far := net.Pipe()
	go serveConn(far, func(c *codec.Command) *codec.Command {
		b.mu.Lock()
		what := c.Ext["topic"]
		if c.Code == codec.ReqGetBrokerClusterInfo {
			what = "cluster"
		}
		b.asked[address+" "+what]++
		handle := b.servers[address]
		b.mu.Unlock()
		if handle == nil {
			far.Close()
			return nil
		}
		return handle(c)
	})
	return near, nil
}

// set replaces what a name server does; nil: it is down.
func (b *bench) set(address string, handle func(c *codec.Command) *codec.Command) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.servers[address] = handle
}

func (b *bench) count(what string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[what]
}

// begin asks for a topic; the answer comes to the future.
func (b *bench) begin(topic string) actor.Future {
	f := actor.NewFuture(b.env.System, time.Hour)
	b.env.System.Root.Send(b.pid, &messages.RouteQuery{Topic: topic, To: f.PID()})
	return f
}

func told(t *testing.T, f actor.Future) *messages.RouteReply {
	t.Helper()
	m, err := f.Result()
	require.NoError(t, err)
	return m.(*messages.RouteReply)
}

// ask asks for a topic and waits for the answer.
func (b *bench) ask(topic string) *messages.RouteReply {
	b.t.Helper()
	return told(b.t, b.begin(topic))
}

func TestDirectoryAsksOnceForEverybody(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		gate := make(chan struct{})
		b.set("ns1:9876", func(c *codec.Command) *codec.Command {
			<-gate
			return proxytest.TopicRoute(c, "10.0.0.1:10911")
		})
		var waiting []actor.Future
		for range 50 {
			waiting = append(waiting, b.begin("News"), b.begin("Other"))
		}
		synctest.Wait()
		close(gate)
		for _, f := range waiting {
			require.Equal(t, codec.ResSuccess, told(t, f).Code)
		}
		require.Equal(t, 1, b.count("ns1:9876 News"))
		require.Equal(t, 1, b.count("ns1:9876 Other"))
		time.Sleep(900 * time.Millisecond)
		b.ask("News")
		require.Equal(t, 1, b.count("ns1:9876 News"), "the answer is fresh for a second")
		time.Sleep(200 * time.Millisecond)
		b.ask("News")
		require.Equal(t, 2, b.count("ns1:9876 News"), "and then asked for again")
	})
}

func TestDirectoryServesWhatItKnewWhileNobodyAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		before := b.ask("News")
		require.Equal(t, codec.ResSuccess, before.Code)
		b.set("ns1:9876", nil)
		b.set("ns2:9876", nil)
		for range 10 {
			time.Sleep(10 * time.Second)
			stale := b.ask("News")
			require.Equal(t, codec.ResSuccess, stale.Code)
			require.Equal(t, before.Body, stale.Body)
			unknown := b.ask("NeverAsked")
			require.Equal(t, codec.ResSystemError, unknown.Code, "17 would make producers create the topic")
			require.Contains(t, unknown.Remark, "no name server of cluster main answers")
		}
		b.set("ns2:9876", proxytest.Knows("10.0.0.2:10911"))
		time.Sleep(2 * time.Second)
		address := b.dir.Snapshot().Broker(proxytest.BrokerA).Address()
		require.Equal(t, "10.0.0.2:10911", address, "looked at once a second until somebody answers")
		require.Contains(t, string(b.ask("News").Body), "10.0.0.2")
		require.Equal(t, codec.ResSuccess, b.ask("NeverAsked").Code)
	})
}

func TestDirectoryPassesOnThatThereIsNoTopic(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		absent := func(c *codec.Command) *codec.Command { return c.Answer(codec.ResTopicNotExist, "No topic route info") }
		b.set("ns1:9876", absent)
		b.set("ns2:9876", absent)
		a := b.ask("News")
		require.Equal(t, codec.ResTopicNotExist, a.Code)
		require.Equal(t, "No topic route info", a.Remark)
		require.Equal(t, 1, b.count("ns1:9876 News"))
		b.set("ns1:9876", proxytest.Knows("10.0.0.1:10911")) // a producer has created it
		time.Sleep(1100 * time.Millisecond)
		require.Equal(t, codec.ResSuccess, b.ask("News").Code)
	})
}

func TestDirectoryLeavesANameServerThatHangs(t *testing.T) {
	for name, handle := range map[string]func(*codec.Command) *codec.Command{
		"hangs":     proxytest.Silent,
		"is down":   nil,
		"refuses":   func(c *codec.Command) *codec.Command { return c.Answer(codec.ResSystemError, "out of memory") },
		"is broken": func(c *codec.Command) *codec.Command { return c.Answer(codec.ResSuccess, "no body") },
		"is confusing": func(c *codec.Command) *codec.Command {
			return proxytest.TopicRoute(&codec.Command{Opaque: c.Opaque + 1}, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, b *bench) {
				b.set("ns1:9876", handle)
				begun := time.Now()
				require.Equal(t, codec.ResSuccess, b.ask("News").Code)
				require.LessOrEqual(t, time.Since(begun), time.Second)
				require.Equal(t, 1, b.count("ns2:9876 News"))
				tried := b.count("ns1:9876 Other")
				begun = time.Now()
				require.Equal(t, codec.ResSuccess, b.ask("Other").Code)
				require.Zero(t, time.Since(begun), "the one that answered is asked first from now on")
				require.Equal(t, tried, b.count("ns1:9876 Other"))
			})
		})
	}
}

// A subscriber hears of brokers when they are known and on each change, and not again without one.
func TestDirectoryTellsSubscribersOfChanges(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		heard := make(chan struct{}, 100)
		sub := b.env.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *messages.BrokersChanged, *messages.BrokerMoved:
				heard <- struct{}{}
			}
		}))
		b.env.System.Root.Send(b.pid, &messages.Subscribe{To: sub})
		<-heard
		require.Equal(t, "10.0.0.1:10911", b.dir.Snapshot().Broker(proxytest.BrokerA).Address())
		time.Sleep(5 * time.Minute)
		require.Empty(t, heard)
		looks := b.count("ns1:9876 cluster")
		require.Equal(t, 11, looks, "the first look and one each 30 seconds")
		b.set("ns1:9876", proxytest.Knows("10.0.0.9:10911"))
		time.Sleep(31 * time.Second)
		<-heard
		require.Equal(t, "10.0.0.9:10911", b.dir.Snapshot().Broker(proxytest.BrokerA).Address())
		require.Empty(t, heard)
		// A broker that the name servers do not list any more keeps its last address: its port stays open.
		b.set("ns1:9876", func(c *codec.Command) *codec.Command {
			a := c.Answer(codec.ResSuccess, "")
			a.Body = []byte(`{"brokerAddrTable":{},"clusterAddrTable":{}}`)
			return a
		})
		time.Sleep(31 * time.Second)
		address := b.dir.Snapshot().Broker(proxytest.BrokerA).Address()
		require.Equal(t, "10.0.0.9:10911", address)
		require.NoError(t, b.env.System.Root.StopFuture(sub).Wait())
	})
}

// Many clients lose a broker together: one look serves them all.
func TestDirectoryLooksAtOnceAfterALoss(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		time.Sleep(10 * time.Second)
		before := b.count("ns1:9876 cluster")
		for range 1000 {
			b.env.System.Root.Send(b.pid, &messages.Refresh{})
		}
		synctest.Wait()
		require.Equal(t, before+1, b.count("ns1:9876 cluster"))
	})
}

// Topics that nobody asks for any more are forgotten, so that names made up by a client cost memory for an hour only.
func TestDirectoryForgetsTopicsNobodyAsksFor(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.ask("News")
		time.Sleep(59 * time.Minute)
		b.set("ns1:9876", nil)
		b.set("ns2:9876", nil)
		require.Equal(t, codec.ResSuccess, b.ask("News").Code)
		time.Sleep(61 * time.Minute)
		require.Equal(t, codec.ResSystemError, b.ask("News").Code)
	})
}

// Clients may ask for whatever they like: what there is not must not be remembered for long, whatever it is called.
func TestDirectoryKeepsNothingOfTopicsThatAreNot(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		for _, address := range []string{"ns1:9876", "ns2:9876"} {
			b.set(address, func(c *codec.Command) *codec.Command { return c.Answer(codec.ResTopicNotExist, "no such topic") })
		}
		before := proxytest.HeapInUse()
		for i := range 10_000 {
			require.Equal(t, codec.ResTopicNotExist, b.ask(fmt.Sprintf("%01024d", i)).Code)
		}
		b.mu.Lock()
		clear(b.asked)
		b.mu.Unlock()
		time.Sleep(10 * time.Second)
		require.Less(t, proxytest.HeapInUse()-before, int64(8<<20))
	})
}

// What it knew survives its crash, and an answer to a question from before is not taken for that to a later one.
func TestDirectorySurvivesItsCrash(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		before := b.ask("News")
		b.set("ns1:9876", proxytest.Silent)
		b.set("ns2:9876", proxytest.Silent)
		b.env.Fault(b.pid.Id, "killed by a test")
		time.Sleep(1500 * time.Millisecond) // not fresh any more
		other := b.begin("Other")
		synctest.Wait()
		for id := range int64(2) { // on their way to the first instance, which asked for the cluster and for News
			b.env.System.Root.Send(b.pid, &messages.Queried{ID: id + 1, Address: "ns1:9876", Answer: proxytest.TopicRoute(&codec.Command{}, "10.6.6.6:10911")})
		}
		require.Equal(t, codec.ResSystemError, told(t, other).Code, "nobody has answered")
		require.Equal(t, before.Body, b.ask("News").Body)
	})
}
