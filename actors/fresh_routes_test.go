package actors_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

func absent(c *codec.Command) *codec.Command {
	return c.Answer(codec.ResTopicNotExist, "No topic route info")
}

// both replaces what both name servers do.
func (b *bench) both(handle func(c *codec.Command) *codec.Command) {
	b.set("ns1:9876", handle)
	b.set("ns2:9876", handle)
}

func (b *bench) query(q *messages.RouteQuery) actor.Future {
	f := actor.NewFuture(b.env.System, time.Hour)
	q.To = f.PID()
	b.env.System.Root.Send(b.pid, q)
	return f
}

// Whoever has just created a topic asks for it at once, and others have asked for it in vain a moment before.
func TestAbsenceOfATopicIsNotServedFromMemory(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.both(absent)
		require.Equal(t, codec.ResTopicNotExist, b.ask("News").Code)
		b.both(proxytest.Knows("10.0.0.1:10911"))
		require.Equal(t, codec.ResSuccess, b.ask("News").Code)
	})
}

// The answer to a query that began before the topic was created is for those only who had asked by then.
func TestAbsenceOfATopicIsNotToldToWhoAsksLater(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		gate := make(chan struct{})
		b.set("ns2:9876", nil)
		b.set("ns1:9876", func(c *codec.Command) *codec.Command {
			<-gate
			return absent(c)
		})
		early := b.begin("News")
		synctest.Wait()
		b.mu.Lock()
		clear(b.asked)
		b.mu.Unlock()
		var late []actor.Future
		for range 50 {
			late = append(late, b.begin("News"))
		}
		synctest.Wait()
		b.set("ns1:9876", proxytest.Knows("10.0.0.1:10911"))
		close(gate)
		require.Equal(t, codec.ResTopicNotExist, told(t, early).Code)
		for _, f := range late {
			require.Equal(t, codec.ResSuccess, told(t, f).Code)
		}
		require.Equal(t, 1, b.count("ns1:9876 News"), "one query for the whole crowd")
	})
}

// What was 17 when the name servers could last be asked is not known once they cannot.
func TestAbsenceOfATopicIsNotServedWhileNobodyAnswers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.both(absent)
		require.Equal(t, codec.ResTopicNotExist, b.ask("News").Code)
		b.both(nil)
		require.Equal(t, codec.ResSystemError, b.ask("News").Code)
	})
}

// A request that changes routes has passed: what is known is not served from memory until brokers and name servers have
// had the time to carry it out.
func TestRoutesAreNotServedFromMemoryAfterTheyWereChanged(t *testing.T) {
	for name, q := range map[string]messages.RouteQuery{"News": {Topic: "News"}, "cluster": {Cluster: true}} {
		inBubble(t, func(t *testing.T, b *bench) {
			ask := func() {
				q := q
				require.Equal(t, codec.ResSuccess, told(t, b.query(&q)).Code)
			}
			ask()
			before := b.count("ns1:9876 " + name)
			ask()
			require.Equal(t, before, b.count("ns1:9876 "+name), "it is fresh")
			b.env.System.Root.Send(b.pid, &messages.RoutesChanged{})
			ask()
			ask()
			require.Equal(t, before+2, b.count("ns1:9876 "+name))
			time.Sleep(2 * time.Second)
			ask()
			ask()
			require.Equal(t, before+4, b.count("ns1:9876 "+name))
			time.Sleep(2 * time.Second)
			ask()
			ask()
			require.Equal(t, before+5, b.count("ns1:9876 "+name), "settled")
		})
	}
}

// A query that is under way when routes are changed does not answer who asks after that.
func TestQueryFromBeforeAChangeDoesNotAnswerWhoAsksAfterIt(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		gate := make(chan struct{})
		b.both(func(c *codec.Command) *codec.Command {
			<-gate
			return proxytest.TopicRoute(c, "10.0.0.1:10911")
		})
		early := b.begin("News")
		synctest.Wait()
		b.env.System.Root.Send(b.pid, &messages.RoutesChanged{})
		late := b.begin("News")
		synctest.Wait()
		b.both(proxytest.Knows("10.0.0.2:10911"))
		close(gate)
		require.Contains(t, string(told(t, early).Body), "10.0.0.1:10911")
		require.Contains(t, string(told(t, late).Body), "10.0.0.2:10911")
	})
}

// A client that creates a topic through the proxy, and each client that asks after it, is told what name servers say.
func TestCreatingATopicThroughTheProxyMakesItsRouteNew(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ns := w.nameServerOf(0, onlyA)
		w.serve(addressA)
		w.start()
		queries := func() (n int) {
			for _, c := range ns.requests() {
				if c.Code == codec.ReqGetRouteInfoByTopic {
					n++
				}
			}
			return n
		}
		asker, creator := w.connect("127.0.0.1:9876"), w.connect(w.port(idA))
		ask := func() {
			asker.ask(&codec.Command{Code: codec.ReqGetRouteInfoByTopic, Ext: map[string]string{"topic": "topic"}})
		}
		ask()
		ask()
		require.Equal(t, 1, queries())
		creator.ask(&codec.Command{Code: codec.ReqUpdateAndCreateTopic, Ext: map[string]string{"topic": "topic"}})
		ask()
		require.Equal(t, 1, queries())
	})
}

// Name servers leave brokers of other zones out when a client says where it is, so they are told, and each zone has an
// answer of its own.
func TestZonesAreToldToNameServersAndHaveTheirOwnRoutes(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		b.both(func(c *codec.Command) *codec.Command {
			if c.Ext["__ZONE_MODE"] == "true" {
				return proxytest.TopicRoute(c, "zone-"+c.Ext["__ZONE_NAME"]+":10911")
			}
			return proxytest.TopicRoute(c, "10.0.0.1:10911")
		})
		for _, zone := range []string{"a", "b"} {
			m := told(t, b.query(&messages.RouteQuery{Topic: "News", ZoneName: zone, ZoneMode: "true"}))
			require.Contains(t, string(m.Body), "zone-"+zone+":10911")
		}
		require.Contains(t, string(b.ask("News").Body), "10.0.0.1:10911")
		m := told(t, b.query(&messages.RouteQuery{Topic: "News", ZoneName: "a", ZoneMode: "true"}))
		require.Contains(t, string(m.Body), "zone-a:10911")
		require.Equal(t, 3, b.count("ns1:9876 News"))
	})
}

// A topic that exists has a route in all the zones that clients make up.
func TestZonesThatClientsMakeUpAreNotRemembered(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bench) {
		before := proxytest.HeapInUse()
		for i := range 20_000 {
			zone := fmt.Sprintf("%0256d", i)
			require.Equal(t, codec.ResSuccess, told(t, b.query(&messages.RouteQuery{Topic: "News", ZoneName: zone})).Code)
		}
		b.mu.Lock()
		clear(b.asked)
		b.mu.Unlock()
		require.Less(t, proxytest.HeapInUse()-before, int64(8<<20))
		m := told(t, b.query(&messages.RouteQuery{Topic: "News", ZoneName: fmt.Sprintf("%0257d", 1)}))
		require.Equal(t, codec.ResSystemError, m.Code)
	})
}
