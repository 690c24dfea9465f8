package connection

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// notHandedOver is what another process does without, and why.
var notHandedOver = map[string]string{
	"common":                  "the other process has its own",
	"ctx":                     "of this process",
	"self":                    "of this process",
	"routes":                  "betweenFrames: none waits",
	"samples":                 "flushed with each message",
	"lastTraffic":             "timeouts.idle begins again",
	"in.backlog":              "betweenFrames: nothing waits",
	"in.lastHeard":            "timeouts.header begins again",
	"in.header":               "betweenFrames: transport.Detach refuses while a header is incomplete",
	"in.held":                 "betweenFrames: nothing waits",
	"in.continuation":         "betweenFrames",
	"out.current":             "betweenFrames",
	"out.waiting":             "betweenFrames",
	"out.sent":                "taken with each message",
	"out.stall":               "betweenFrames: nothing is kept",
	"links.solo.hosts":        "betweenFrames",
	"links.solo.bulk":         "requests in flight are counted from now on, and sizes are learned again",
	"links.solo.number":       "of this process",
	"links.solo.epoch":        "counts the upstreams of this process",
	"links.solo.state":        "up if there is an upstream; an outdated one is noticed again",
	"heartbeat.replayed":      "the broker's word (40) of a moment ago may be missed, as with a loss",
	"links.solo.continuation": "betweenFrames",
	"flight.parking":          "betweenFrames: nothing is parked",
	"flight.polls":            "follows from the table",
	"flight.waiting":          "betweenFrames: none waits",
	"flight.asking":           "betweenFrames: none waits",
	"flight.leases":           "of this process",
	"flight.counted":          "of this process",
	"flight.begun":            "whether request actors are kept is learned again",
	"life.state":              "the other process does not drain",
	"life.broke":              "it is set when the connection ends",
	"life.resetOnLoss":        "it goes with a loss, after which there is no upstream to hand over",
	"life.drain":              "the other process does not drain",

	"links.many.leading":           "betweenFrames: no frame is under way",
	"links.many.gathering":         "betweenFrames: none arrives",
	"links.many.sends":             "used up with each request",
	"links.many.head":              "used up with each frame",
	"links.many.beat":              "the same heartbeat goes out once more",
	"links.many.arrived":           "set with each chunk",
	"links.many.look":              "set again for the requests in flight",
	"links.many.held":              "state: no fan-out is under way",
	"links.many.epochs":            "counts the upstreams of this process",
	"links.many.asking":            "betweenFrames: none",
	"links.many.crowded":           "betweenFrames: nothing waits",
	"links.many.client.ID":         "set with each request",
	"links.many.client.Linked":     "follows from the links",
	"links.many.client.Member":     "follows from the links",
	"links.many.client.Now":        "set with each request",
	"links.many.client.Body":       "set with each request",
	"links.many.client.Balanced":   "begins anywhere",
	"links.many.client.topics":     "clusters are asked again",
	"links.many.client.led":        "decided again with the next send",
	"links.many.client.counted":    "of the request that is decided",
	"links.many.client.turns":      "a client that asks again begins with the first broker",
	"links.many.list.epoch":        "counts the upstreams of this process",
	"links.many.list.number":       "follows from the order",
	"links.many.list.state":        "up if there is an upstream; an outdated one is noticed again",
	"links.many.list.continuation": "betweenFrames",
	"links.many.list.hosts":        "betweenFrames",
	"links.many.list.bulk":         "requests in flight are counted from now on, and sizes are learned again",
	"links.many.list.gathering":    "betweenFrames",
	"links.many.list.part":         "betweenFrames",
	"links.many.list.sockets":      "counts the upstreams of this process",
	"links.many.list.cluster":      "found again by the broker",
	"links.many.list.to":           "found again by the broker",
	"lent":                         "what HTTP/2 has agreed on cannot be: such a connection stays",
	"heartbeat.arriving":           "betweenFrames",
	"heartbeat.reserved":           "counted again",
}

// handedOver are the fields that TestEachFieldIsHandedOver, or who it names, finds on the other side.
var handedOver = map[string]string{
	"port":                 "by listener, role and broker: server.TestSuccessorIsHandedTheConnections",
	"out.sock":             "as a descriptor",
	"links.solo.upstream":  "as a descriptor",
	"links.solo.address":   "",
	"flight.table":         "",
	"flight.count":         "follows from the table",
	"in.version":           "",
	"in.heard":             "",
	"in.language":          "",
	"heartbeat.full":       "",
	"heartbeat.groups":     "",
	"heartbeat.clientID":   "",
	"heartbeat.consumer":   "",
	"links.solo.confirmed": "",
	"born":                 "",

	"links.many.list.broker":    "",
	"links.many.list.upstream":  "as a descriptor",
	"links.many.list.address":   "",
	"links.many.list.confirmed": "",
	"links.many.list.member":    "",
	"links.many.pushes":         "",
	"links.many.pushed":         "",
	"links.many.client.popped":  "",
}

// A field of a connection is handed over, or it says here why not.
func TestEachFieldOfAConnectionIsHandedOverOrNot(t *testing.T) {
	all := map[string]bool{}
	var walk func(prefix string, of reflect.Type)
	walk = func(prefix string, of reflect.Type) {
		for i := range of.NumField() {
			f := of.Field(i)
			switch f.Type {
			case reflect.TypeFor[*many]():
				walk(prefix+f.Name+".", reflect.TypeFor[many]())
			case reflect.TypeFor[[]*far]():
				walk(prefix+f.Name+".", reflect.TypeFor[far]())
			case reflect.TypeFor[link]():
				if f.Anonymous {
					walk(prefix, f.Type)
				} else {
					walk(prefix+f.Name+".", f.Type)
				}
			case reflect.TypeFor[route.Client](), reflect.TypeFor[inbound](), reflect.TypeFor[outbound](), reflect.TypeFor[links](), reflect.TypeFor[inflight](),
				reflect.TypeFor[lifecycle](), reflect.TypeFor[heartbeat]():
				walk(prefix+f.Name+".", f.Type)
			default:
				all[prefix+f.Name] = true
			}
		}
	}
	walk("", reflect.TypeFor[connection]())
	for name := range all {
		_, over := handedOver[name]
		_, not := notHandedOver[name]
		require.True(t, over != not, "%s: hand it over (messages.ConnectionState), or say why not", name)
	}
	for _, list := range []map[string]string{handedOver, notHandedOver} {
		for name := range list {
			require.True(t, all[name], "a connection has no field %s", name)
		}
	}
}

// What another process remembers of a connection is what this one knew.
func TestAConnectionIsTheSameAfterAHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := env.New(&transport.Net{}, slog.New(slog.DiscardHandler), env.Settings{}, func(why error) { t.Error(why) })
		time.Sleep(time.Minute)
		one := &connection{common: &common{env: e}, port: &messages.Port{Listener: "office"}, born: e.Now() - int64(30*time.Second)}
		one.in.language, one.in.version, one.in.heard = codec.Go, 500, true
		one.heartbeat.learn(beatOf("10.0.0.1@app", 2))
		one.links.solo.address = "10.0.0.5:10911"
		one.links.solo.confirmed = confirmation{version: 500, v2: true, subChange: true, owed: true}
		asked := int64(4711)
		one.flight.add(&messages.Exchange{
			Relayed: true, AskedOffset: asked, Arrived: e.Now() - 1000,
			Header: codec.Header{Code: 11, Flag: 0, Opaque: 7, Version: 499, Language: codec.Java, Encoding: codec.Binary},
		})
		one.flight.leaveTombstone(0, codec.Header{Code: 10, Opaque: 8}, e.Now())

		s, ok := one.state()
		require.True(t, ok)
		wire, err := json.Marshal(s)
		require.NoError(t, err)
		var came messages.ConnectionState
		require.NoError(t, json.Unmarshal(wire, &came))
		require.Equal(t, s, came)
		require.ElementsMatch(t, []messages.Pending{
			{Code: 11, Opaque: 7, Version: 499, Language: codec.Java, Encoding: codec.Binary, Age: 1000, Asked: &asked},
			{Code: 10, Opaque: 8, Dead: true},
		}, came.Pending)
		require.Equal(t, "10.0.0.5:10911", came.Upstream)

		other := &connection{common: one.common}
		other.remember(&came)
		require.Equal(t, one.born, other.born)
		require.Equal(t, one.in, other.in)
		require.Equal(t, one.links.solo.confirmed, other.links.solo.confirmed)
		other.heartbeat.reserved = one.heartbeat.reserved
		require.Equal(t, one.heartbeat, other.heartbeat)

		// A heartbeat that there was no room for leaves what kind of client it is.
		one.heartbeat.drop(e)
		one.in.heard = false
		s, _ = one.state()
		third := &connection{common: one.common}
		third.remember(&s)
		require.True(t, third.heartbeat.consumer)
		require.Equal(t, "10.0.0.1@app", third.heartbeat.clientID)
		require.False(t, third.in.heard)
		third.remember(&messages.ConnectionState{}) // of a version that does not say
		require.True(t, third.in.heard, "timeouts.first_byte is not for clients that were handed over")
	})
}

// What another process remembers of a client with links to several brokers is what this one knew.
func TestAConnectionToOnePortIsTheSameAfterAHandOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := env.New(&transport.Net{}, slog.New(slog.DiscardHandler), env.Settings{}, func(why error) { t.Error(why) })
		time.Sleep(time.Minute)
		known := map[string]bool{"broker-a": true, "broker-b": true}
		port := &messages.Port{Listener: "office", Role: messages.OnePort, FindBroker: func(id route.BrokerID) (messages.Destination, string, bool) {
			return nil, "of " + id.Name, known[id.Name]
		}}
		connect := func() *connection {
			return &connection{common: &common{env: e}, port: port, links: links{many: &many{}}}
		}
		one := connect()
		m := one.links.many
		for i, id := range []route.BrokerID{{}, {Name: "broker-a"}, {Name: "broker-b", ID: 1}} {
			f := one.newFar(id)
			f.epoch, f.address = int32(i+5), fmt.Sprint("10.0.0.", i, ":10911")
		}
		m.list[2].member, m.list[2].confirmed = true, confirmation{version: 500, v2: true, owed: true}
		m.pushed = 9
		m.pushes = []push{{7, 1700, 6}, {8, 1700, 4}, {9, 1701, 7}} // the one in the middle came on a connection that was lost
		pop := route.Pop{Broker: "broker-b", Group: "g", Topic: "News"}
		answer := codec.Command{Flag: codec.FlagResponse, Ext: map[string]string{
			"popTime": "1700000000000", "invisibleTime": "60000", "reviveQid": "3", "startOffsetInfo": "0 3 100;1 0 5", "msgOffsetInfo": "0 3 100,101;1 0 7",
		}}
		frame := wholeFrame(answer.Append(nil, codec.JSON))
		m.client.Now = e.Now()
		m.client.Popped(pop, &frame.Frames[0].Header, frame.RawHeader(&frame.Frames[0]))
		time.Sleep(time.Second)
		one.flight.add(&messages.Exchange{Relayed: true, Link: 2, AskedOffset: messages.NoOffset, Arrived: e.Now() - 1000, Header: codec.Header{Code: 50, Opaque: 7}, Pop: &pop})
		one.flight.add(&messages.Exchange{Relayed: true, Link: 1, Tombstone: true, PartOf: &messages.FanOut{X: &messages.Exchange{}}, Arrived: e.Now(), Header: codec.Header{Code: 34, Opaque: 8}})

		s, ok := one.state()
		require.True(t, ok)
		require.False(t, s.Agrees(1))
		require.True(t, s.Agrees(0))
		wire, err := json.Marshal(s)
		require.NoError(t, err)
		var came messages.ConnectionState
		require.NoError(t, json.Unmarshal(wire, &came))
		require.Equal(t, s, came)
		require.ElementsMatch(t, []messages.Pending{{Code: 50, Opaque: 7, Age: 1000, Link: 2, Pop: &pop}, {Code: 34, Opaque: 8, Dead: true, Link: 1}}, came.Pending)
		require.Equal(t, []messages.Push{{Opaque: 7, Theirs: 1700, Link: 1}, {Opaque: 9, Theirs: 1701, Link: 2}}, came.OnePort.Pushes)
		require.Len(t, came.OnePort.Pops, 1)
		require.Equal(t, time.Second, came.OnePort.Pops[0].Age)
		require.Len(t, came.OnePort.Pops[0].Messages, 3)

		other := connect()
		for i := range came.OnePort.Links {
			came.OnePort.Links[i].Connected = true
		}
		require.True(t, other.rememberLinks(came.OnePort))
		require.Len(t, other.links.many.list, 3)
		for i, f := range other.links.many.list {
			before := m.list[i]
			require.Equal(t,
				[]any{before.broker, before.cluster, before.number, before.address, before.member, before.confirmed},
				[]any{f.broker, f.cluster, f.number, f.address, f.member, f.confirmed})
		}
		require.Equal(t, m.pushed, other.links.many.pushed)
		require.Equal(t, m.client.Pops(), other.links.many.client.Pops())

		known["broker-b"] = false
		require.False(t, connect().rememberLinks(came.OnePort), "what it was asked cannot be answered")

		// A fan-out is waited for.
		one.flight.add(&messages.Exchange{Header: codec.Header{Code: 34, Opaque: 9}, FanOut: &messages.FanOut{}})
		_, ok = one.state()
		require.False(t, ok)
	})
}
