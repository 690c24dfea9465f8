package actors_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

func TestListenerOpensWhenTheClusterIsKnown(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		ns := newFake(t)
		gate := make(chan struct{})
		looked := make(chan struct{}, 100)
		ns.serve(func(c *codec.Command) *codec.Command {
			looked <- struct{}{}
			<-gate
			return clusterInfo(c, "127.0.0.1:1")
		})
		r := launch(t, on, options{nameServers: []string{ns.addr}, settings: actors.Settings{QueryTimeout: patience}})
		<-looked
		require.False(t, r.tree.Listeners[0].Open())
		require.Empty(t, r.actors("acceptor"))
		close(gate)
		r.until("the listener is open", func() bool { return r.tree.Listeners[0].Open() })
		_, ok := r.tree.Listeners[0].PortOf(brokerA)
		require.True(t, ok, "brokers have their ports before clients can ask for them")
	})
}

func TestNameServerPortRefusesRegistrations(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client := dial(t, r.nameServer())
		codes := []int32{codec.ReqRegisterBroker, codec.ReqUnregisterBroker, codec.ReqQueryDataVersion, codec.ReqGetBrokerMemberGroup, codec.ReqBrokerHeartbeat}
		for _, code := range codes {
			for _, enc := range []codec.Encoding{codec.JSON, codec.Binary} {
				client.write((&codec.Command{Code: code, Opaque: 3, Body: make([]byte, 100_000)}).Append(nil, enc))
				raw := client.raw()
				require.Equal(t, byte(enc), raw[4], "answered in the encoding of the request")
				a, _, err := codec.Decode(raw, codec.Limits{})
				require.NoError(t, err)
				require.Equal(t, codec.ResNoPermission, a.Code)
				require.Contains(t, a.Remark, fmt.Sprint(code))
				require.Contains(t, a.Remark, "Point the broker's namesrvAddr at a name server")
			}
		}
		client.send(&codec.Command{Code: codec.ReqRegisterBroker, Flag: codec.FlagOneway})
		require.Equal(t, codec.ResTopicNotExist, client.call(routeRequest("Unknown")).Code, "a oneway one gets no answer")
		for _, topic := range []string{strings.Repeat("x", 1025), "\x00cluster"} { // which is how the cluster calls itself
			require.Equal(t, codec.ResSystemError, client.call(routeRequest(topic)).Code, "it is not asked for")
		}
		client.close()
		r.settle(1)
		r.gaugesAreZero()
	})
}

func TestNameServerPortRelaysOtherCodes(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		ns := newFake(t)
		ns.serve(func(c *codec.Command) *codec.Command {
			if c.Code == codec.ReqGetBrokerClusterInfo {
				return clusterInfo(c, "127.0.0.1:1")
			}
			return echo(c)
		})
		r := start(t, on, options{nameServers: []string{ns.addr}})
		client := dial(t, r.nameServer())
		for _, code := range []int32{codec.ReqGetAllTopicListFromNameServer, codec.ReqPutKVConfig, codec.ReqGetKVConfig, codec.ReqGetTopicsByCluster, 31999} {
			a := client.call(&codec.Command{Code: code, Body: fmt.Append(nil, "of ", code)})
			require.Equal(t, codec.ResSuccess, a.Code)
			require.Equal(t, fmt.Sprint("of ", code), string(a.Body))
		}
	})
}

// Relayed and answered requests in one write: each gets its own answer.
func TestNameServerPortTellsFramesApart(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client := dial(t, r.nameServer())
		var all []byte
		const rounds = 100
		for i := range int32(rounds) {
			all = append(all, frame(&codec.Command{Code: codec.ReqGetAllTopicListFromNameServer, Opaque: 3*i + 1})...)
			c := routeRequest(fmt.Sprint("Unknown", i%7))
			c.Opaque = 3*i + 2
			all = append(all, frame(c)...)
			all = append(all, frame(&codec.Command{Code: codec.ReqRegisterBroker, Opaque: 3*i + 3, Body: []byte("some body")})...)
		}
		client.write(all)
		want := map[int32]int32{1: codec.ResSuccess, 2: codec.ResTopicNotExist, 0: codec.ResNoPermission}
		seen := map[int32]bool{}
		for range 3 * rounds {
			a := client.next()
			require.False(t, seen[a.Opaque], "opaque %d twice", a.Opaque)
			seen[a.Opaque] = true
			require.Equal(t, want[a.Opaque%3], a.Code, "opaque %d: %s", a.Opaque, a.Remark)
		}
		client.close()
		r.settle(1)
		r.gaugesAreZero()
		require.Equal(t, rounds, r.stat("get_topic_route"))
	})
}
