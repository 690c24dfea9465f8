package cluster_test

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

// Whoever has just created a topic asks for it at once, and others have asked for it in vain a moment before.
func TestAbsenceOfATopicIsNotServedFromMemory(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		r.both(absent)
		require.Equal(t, codec.ResTopicNotExist, r.ask("News").Code)
		r.both(proxytest.Knows("10.0.0.1:10911"))
		require.Equal(t, codec.ResSuccess, r.ask("News").Code)
	})
}

// The answer to a query that began before the topic was created is for those only who had asked by then.
func TestAbsenceOfATopicIsNotToldToWhoAsksLater(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		gate := make(chan struct{})
		r.second.Crash()
		r.first.Answers(func(c *codec.Command) *codec.Command {
			<-gate
			return absent(c)
		})
		early := r.begin("News")
		synctest.Wait()
		r.forget()
		var late []actor.Future
		for range 50 {
			late = append(late, r.begin("News"))
		}
		synctest.Wait()
		r.first.Answers(proxytest.Knows("10.0.0.1:10911"))
		close(gate)
		require.Equal(t, codec.ResTopicNotExist, told(t, early).Code)
		for _, f := range late {
			require.Equal(t, codec.ResSuccess, told(t, f).Code)
		}
		require.Equal(t, 1, r.count(r.first, "News"), "one query for the whole crowd")
	})
}

// What was 17 when the name servers could last be asked is not known once they cannot.
func TestAbsenceOfATopicIsNotServedWhileNobodyAnswers(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		r.both(absent)
		require.Equal(t, codec.ResTopicNotExist, r.ask("News").Code)
		r.crash()
		require.Equal(t, codec.ResSystemError, r.ask("News").Code)
	})
}

// A request that changes routes has passed: what is known is not served from memory until brokers and name servers have
// had the time to carry it out.
func TestRoutesAreNotServedFromMemoryAfterTheyWereChanged(t *testing.T) {
	for name, q := range map[string]messages.RouteQuery{"News": {Topic: "News"}, "cluster": {Cluster: true}} {
		routesTest(t, func(t *testing.T, r *routes) {
			ask := func() {
				require.Equal(t, codec.ResSuccess, told(t, r.query(q)).Code)
			}
			ask()
			before := r.count(r.first, name)
			ask()
			require.Equal(t, before, r.count(r.first, name), "it is fresh")
			r.Proxy.Tell(cluster, &messages.RoutesChanged{})
			ask()
			ask()
			require.Equal(t, before+2, r.count(r.first, name))
			time.Sleep(2 * time.Second)
			ask()
			ask()
			require.Equal(t, before+4, r.count(r.first, name))
			time.Sleep(2 * time.Second)
			ask()
			ask()
			require.Equal(t, before+5, r.count(r.first, name), "settled")
		})
	}
}

// A query that is under way when routes are changed does not answer who asks after that.
func TestQueryFromBeforeAChangeDoesNotAnswerWhoAsksAfterIt(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		gate := make(chan struct{})
		r.both(func(c *codec.Command) *codec.Command {
			<-gate
			return proxytest.TopicRoute(c, "10.0.0.1:10911")
		})
		early := r.begin("News")
		synctest.Wait()
		r.Proxy.Tell(cluster, &messages.RoutesChanged{})
		late := r.begin("News")
		synctest.Wait()
		r.both(proxytest.Knows("10.0.0.2:10911"))
		close(gate)
		require.Contains(t, string(told(t, early).Body), "10.0.0.1:10911")
		require.Contains(t, string(told(t, late).Body), "10.0.0.2:10911")
	})
}

// A client that creates a topic through the proxy, and each client that asks after it, is told what name servers say.
func TestCreatingATopicThroughTheProxyMakesItsRouteNew(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		ns := s.StartNameServer(0, proxytest.OnlyA)
		s.StartBroker(proxytest.AddressA)
		s.Start()
		queries := func() (n int) {
			for _, c := range ns.Requests() {
				if c.Code == codec.ReqGetRouteInfoByTopic {
					n++
				}
			}
			return n
		}
		asker, creator := s.Dial(s.NameServer()), s.Dial(s.Port(proxytest.BrokerA))
		ask := func() {
			asker.Call(proxytest.RouteRequest("topic"))
		}
		ask()
		ask()
		require.Equal(t, 1, queries())
		creator.Call(&codec.Command{Code: codec.ReqUpdateAndCreateTopic, Ext: map[string]string{"topic": "topic"}})
		ask()
		require.Equal(t, 1, queries())
	})
}

// Name servers leave brokers of other zones out when a client says where it is, so they are told, and each zone has an
// answer of its own.
func TestZonesAreToldToNameServersAndHaveTheirOwnRoutes(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		r.both(func(c *codec.Command) *codec.Command {
			if c.Ext["__ZONE_MODE"] == "true" {
				return proxytest.TopicRoute(c, "zone-"+c.Ext["__ZONE_NAME"]+":10911")
			}
			return proxytest.TopicRoute(c, "10.0.0.1:10911")
		})
		for _, zone := range []string{"a", "b"} {
			m := told(t, r.query(messages.RouteQuery{Topic: "News", ZoneName: zone, ZoneMode: "true"}))
			require.Contains(t, string(m.Body), "zone-"+zone+":10911")
		}
		require.Contains(t, string(r.ask("News").Body), "10.0.0.1:10911")
		m := told(t, r.query(messages.RouteQuery{Topic: "News", ZoneName: "a", ZoneMode: "true"}))
		require.Contains(t, string(m.Body), "zone-a:10911")
		require.Equal(t, 3, r.count(r.first, "News"))
	})
}

// A topic that exists has a route in all the zones that clients make up.
func TestZonesThatClientsMakeUpAreNotRemembered(t *testing.T) {
	routesTest(t, func(t *testing.T, r *routes) {
		before := proxytest.HeapInUse()
		for i := range 20_000 {
			zone := fmt.Sprintf("%0256d", i)
			require.Equal(t, codec.ResSuccess, told(t, r.query(messages.RouteQuery{Topic: "News", ZoneName: zone})).Code)
		}
		r.forget()
		require.Less(t, proxytest.HeapInUse()-before, int64(8<<20))
		m := told(t, r.query(messages.RouteQuery{Topic: "News", ZoneName: fmt.Sprintf("%0257d", 1)}))
		require.Equal(t, codec.ResSystemError, m.Code)
	})
}
