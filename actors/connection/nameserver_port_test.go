package connection_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

func TestListenerOpensWhenTheClusterIsKnown(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		ns := proxytest.NewFakeBroker(t)
		gate := make(chan struct{})
		looked := make(chan struct{}, 100)
		ns.Answers(func(c *codec.Command) *codec.Command {
			looked <- struct{}{}
			<-gate
			return proxytest.ClusterInfo(c, "127.0.0.1:1")
		})
		r := proxytest.Launch(t, on, proxytest.Options{NameServers: []string{ns.Address}, Settings: actors.Settings{QueryTimeout: proxytest.Patience}})
		<-looked
		require.False(t, r.Listener().Open())
		require.Empty(t, r.Actors("acceptor"))
		close(gate)
		r.UntilOpen()
		_, ok := r.Listener().PortOf(proxytest.BrokerA)
		require.True(t, ok, "brokers have their ports before clients can ask for them")
	})
}

func TestNameServerPortRefusesRegistrations(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client := proxytest.Dial(t, r.NameServer())
		codes := []int32{codec.ReqRegisterBroker, codec.ReqUnregisterBroker, codec.ReqQueryDataVersion, codec.ReqGetBrokerMemberGroup, codec.ReqBrokerHeartbeat}
		for _, code := range codes {
			for _, enc := range []codec.Encoding{codec.JSON, codec.Binary} {
				client.Write((&codec.Command{Code: code, Opaque: 3, Body: make([]byte, 100_000)}).Append(nil, enc))
				raw := client.NextFrame()
				require.Equal(t, byte(enc), raw[4], "answered in the encoding of the request")
				a, _, err := codec.Decode(raw, codec.Limits{})
				require.NoError(t, err)
				require.Equal(t, codec.ResNoPermission, a.Code)
				require.Contains(t, a.Remark, fmt.Sprint(code))
				require.Contains(t, a.Remark, "Point the broker's namesrvAddr at a name server")
			}
		}
		client.Send(&codec.Command{Code: codec.ReqRegisterBroker, Flag: codec.FlagOneway})
		require.Equal(t, codec.ResTopicNotExist, client.Call(proxytest.RouteRequest("Unknown")).Code, "a oneway one gets no answer")
		for _, topic := range []string{strings.Repeat("x", 1025), "\x00cluster"} { // which is how the cluster calls itself
			require.Equal(t, codec.ResSystemError, client.Call(proxytest.RouteRequest(topic)).Code, "it is not asked for")
		}
		client.Close()
		r.Settle(1)
		r.GaugesAreZero()
	})
}

func TestNameServerPortRelaysOtherCodes(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		ns := proxytest.NewFakeBroker(t)
		ns.Answers(func(c *codec.Command) *codec.Command {
			if c.Code == codec.ReqGetBrokerClusterInfo {
				return proxytest.ClusterInfo(c, "127.0.0.1:1")
			}
			return proxytest.Echo(c)
		})
		r := proxytest.Start(t, on, proxytest.Options{NameServers: []string{ns.Address}})
		client := proxytest.Dial(t, r.NameServer())
		for _, code := range []int32{codec.ReqGetAllTopicListFromNameServer, codec.ReqPutKVConfig, codec.ReqGetKVConfig, codec.ReqGetTopicsByCluster, 31999} {
			a := client.Call(&codec.Command{Code: code, Body: fmt.Append(nil, "of ", code)})
			require.Equal(t, codec.ResSuccess, a.Code)
			require.Equal(t, fmt.Sprint("of ", code), string(a.Body))
		}
	})
}

// Relayed and answered requests in one write: each gets its own answer.
func TestNameServerPortTellsFramesApart(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client := proxytest.Dial(t, r.NameServer())
		var all []byte
		const rounds = 100
		for i := range int32(rounds) {
			all = append(all, proxytest.Frame(&codec.Command{Code: codec.ReqGetAllTopicListFromNameServer, Opaque: 3*i + 1})...)
			c := proxytest.RouteRequest(fmt.Sprint("Unknown", i%7))
			c.Opaque = 3*i + 2
			all = append(all, proxytest.Frame(c)...)
			all = append(all, proxytest.Frame(&codec.Command{Code: codec.ReqRegisterBroker, Opaque: 3*i + 3, Body: []byte("some body")})...)
		}
		client.Write(all)
		want := map[int32]int32{1: codec.ResSuccess, 2: codec.ResTopicNotExist, 0: codec.ResNoPermission}
		seen := map[int32]bool{}
		for range 3 * rounds {
			a := client.Next()
			require.False(t, seen[a.Opaque], "opaque %d twice", a.Opaque)
			seen[a.Opaque] = true
			require.Equal(t, want[a.Opaque%3], a.Code, "opaque %d: %s", a.Opaque, a.Remark)
		}
		client.Close()
		r.Settle(1)
		r.GaugesAreZero()
		require.Equal(t, rounds, r.Stat("get_topic_route"))
	})
}
