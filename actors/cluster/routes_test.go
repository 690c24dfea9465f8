package cluster_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	clusterinternal "github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

func TestClusterAsksOnceForEverybody(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		gate := make(chan struct{})
		r.first.Answers(func(c *codec.Command) *codec.Command {
			<-gate
			return proxytest.TopicRoute(c, "10.0.0.1:10911")
		})
		var waiting []actor.Future
		for range 50 {
			waiting = append(waiting, r.begin("News"), r.begin("Other"))
		}
		synctest.Wait()
		close(gate)
		for _, f := range waiting {
			require.Equal(t, codec.ResSuccess, told(t, f).Code)
		}
		require.Equal(t, 1, r.count(r.first, "News"))
		require.Equal(t, 1, r.count(r.first, "Other"))
		time.Sleep(900 * time.Millisecond)
		r.ask("News")
		require.Equal(t, 1, r.count(r.first, "News"), "the answer is fresh for a second")
		time.Sleep(200 * time.Millisecond)
		r.ask("News")
		require.Equal(t, 2, r.count(r.first, "News"), "and then asked for again")
	})
}

func TestClusterServesWhatItKnewWhileNobodyAnswers(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		before := r.ask("News")
		require.Equal(t, codec.ResSuccess, before.Code)
		r.crash()
		for range 10 {
			time.Sleep(10 * time.Second)
			stale := r.ask("News")
			require.Equal(t, codec.ResSuccess, stale.Code)
			require.Equal(t, before.Body, stale.Body)
			unknown := r.ask("NeverAsked")
			require.Equal(t, codec.ResSystemError, unknown.Code, "17 would make producers create the topic")
			require.Contains(t, unknown.Remark, "no name server of cluster main answers")
		}
		r.second.Answers(proxytest.Knows("10.0.0.2:10911"))
		r.second.Restart()
		time.Sleep(2 * time.Second)
		address := r.Cluster().Snapshot().Broker(proxytest.BrokerA).Address()
		require.Equal(t, "10.0.0.2:10911", address, "looked at once a second until somebody answers")
		require.Contains(t, string(r.ask("News").Body), "10.0.0.2")
		require.Equal(t, codec.ResSuccess, r.ask("NeverAsked").Code)
	})
}

func TestClusterPassesOnThatThereIsNoTopic(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		r.both(absent)
		a := r.ask("News")
		require.Equal(t, codec.ResTopicNotExist, a.Code)
		require.Equal(t, "No topic route info", a.Remark)
		require.Equal(t, 1, r.count(r.first, "News"))
		r.first.Answers(proxytest.Knows("10.0.0.1:10911")) // a producer has created it
		time.Sleep(1100 * time.Millisecond)
		require.Equal(t, codec.ResSuccess, r.ask("News").Code)
	})
}

func TestClusterLeavesANameServerThatHangs(t *testing.T) {
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
			routesTest(t, func(t *testing.T, r *routes) {
				if r.first.Answers(handle); handle == nil {
					r.first.Crash()
				}
				begun := time.Now()
				require.Equal(t, codec.ResSuccess, r.ask("News").Code)
				require.LessOrEqual(t, time.Since(begun), time.Second)
				require.Equal(t, 1, r.count(r.second, "News"))
				tried := r.count(r.first, "Other")
				begun = time.Now()
				require.Equal(t, codec.ResSuccess, r.ask("Other").Code)
				require.Zero(t, time.Since(begun), "the one that answered is asked first from now on")
				require.Equal(t, tried, r.count(r.first, "Other"))
			})
		})
	}
}

// A subscriber hears of brokers when they are known and on each change, and not again without one.
func TestClusterTellsSubscribersOfChanges(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		heard := make(chan struct{}, 100)
		sub := r.Env.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
			switch ctx.Message().(type) {
			case *messages.BrokersChanged, *messages.BrokerMoved:
				heard <- struct{}{}
			}
		}))
		r.Proxy.Tell(cluster, &messages.Subscribe{To: sub})
		<-heard
		require.Equal(t, "10.0.0.1:10911", r.Cluster().Snapshot().Broker(proxytest.BrokerA).Address())
		time.Sleep(5 * time.Minute)
		require.Empty(t, heard)
		looks := r.count(r.first, "cluster")
		require.Equal(t, 11, looks, "the first look and one each 30 seconds")
		r.first.Answers(proxytest.Knows("10.0.0.9:10911"))
		time.Sleep(31 * time.Second)
		<-heard
		require.Equal(t, "10.0.0.9:10911", r.Cluster().Snapshot().Broker(proxytest.BrokerA).Address())
		require.Empty(t, heard)
		// A broker that the name servers do not list any more keeps its last address: its port stays open.
		r.first.Answers(func(c *codec.Command) *codec.Command {
			a := c.Answer(codec.ResSuccess, "")
			a.Body = []byte(`{"brokerAddrTable":{},"clusterAddrTable":{}}`)
			return a
		})
		time.Sleep(31 * time.Second)
		address := r.Cluster().Snapshot().Broker(proxytest.BrokerA).Address()
		require.Equal(t, "10.0.0.9:10911", address)
		require.NoError(t, r.Env.System.Root.StopFuture(sub).Wait())
	})
}

// Many clients lose a broker together: one look serves them all.
func TestClusterLooksAtOnceAfterALoss(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		time.Sleep(10 * time.Second)
		before := r.count(r.first, "cluster")
		for range 1000 {
			r.Proxy.Tell(cluster, &messages.Refresh{})
		}
		synctest.Wait()
		require.Equal(t, before+1, r.count(r.first, "cluster"))
	})
}

// Topics that nobody asks for any more are forgotten, so that names made up by a client cost memory for an hour only.
func TestClusterForgetsTopicsNobodyAsksFor(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		r.ask("News")
		time.Sleep(59 * time.Minute)
		r.crash()
		require.Equal(t, codec.ResSuccess, r.ask("News").Code)
		time.Sleep(61 * time.Minute)
		require.Equal(t, codec.ResSystemError, r.ask("News").Code)
	})
}

// Clients may ask for whatever they like: what there is not must not be remembered for long, whatever it is called.
func TestClusterKeepsNothingOfTopicsThatAreNot(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		r.both(absent)
		before := proxytest.HeapInUse()
		for i := range 10_000 {
			require.Equal(t, codec.ResTopicNotExist, r.ask(fmt.Sprintf("%01024d", i)).Code)
		}
		r.forget()
		time.Sleep(10 * time.Second)
		require.Less(t, proxytest.HeapInUse()-before, int64(8<<20))
	})
}

// What it knew survives its crash, and an answer to a question from before is not taken for that to a later one.
func TestClusterSurvivesItsCrash(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		before := r.ask("News")
		r.both(proxytest.Silent)
		r.Proxy.Kill(cluster)
		time.Sleep(1500 * time.Millisecond) // not fresh any more
		other := r.begin("Other")
		synctest.Wait()
		for id := range int64(2) { // on their way to the first instance, which asked for the cluster and for News
			r.Proxy.Tell(cluster, clusterinternal.NameServerAnswer(id+1, "ns1:9876", proxytest.TopicRoute(&codec.Command{}, "10.6.6.6:10911")))
		}
		require.Equal(t, codec.ResSystemError, told(t, other).Code, "nobody has answered")
		require.Equal(t, before.Body, r.ask("News").Body)
	})
}
