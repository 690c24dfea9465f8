package connection

import (
	"encoding/json"
	"log/slog"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
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
	"links.many":              "one-port connections stay",
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
	"heartbeat.arriving":      "betweenFrames",
	"heartbeat.reserved":      "counted again",
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
}

// A field of a connection is handed over, or it says here why not.
func TestEachFieldOfAConnectionIsHandedOverOrNot(t *testing.T) {
	all := map[string]bool{}
	var walk func(prefix string, of reflect.Type)
	walk = func(prefix string, of reflect.Type) {
		for i := range of.NumField() {
			f := of.Field(i)
			switch f.Type {
			case reflect.TypeFor[inbound](), reflect.TypeFor[outbound](), reflect.TypeFor[links](), reflect.TypeFor[link](), reflect.TypeFor[inflight](),
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
