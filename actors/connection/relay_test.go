package connection_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// strangeFrames are requests as clients of all kinds send them, as bytes: what comes out at the broker must be these.
func strangeFrames() [][]byte {
	send := &codec.Command{
		Code: codec.ReqSendMessageV2, Language: codec.Java, Version: codec.Version5_5_0, Opaque: 7,
		Ext: map[string]string{"b": "News", "n": "broker-zzz", "i": "k\x01v\x02"}, Body: bytes.Repeat([]byte("x"), 3000),
	}
	unknown := &codec.Command{Code: 31999, Opaque: 8, Version: 9999, Language: codec.Language(3), Remark: "ünknown"}
	return [][]byte{
		send.Append(nil, codec.JSON),
		send.Append(nil, codec.Binary),
		unknown.Append(nil, codec.JSON),
		unknown.Append(nil, codec.Binary),
		proxytest.RawFrame(` { "unknown" : [1,{"a":null}] , "extFields":{"signature":"a+/=","n":12},"flag":0,"code":10,"opaque":9,"language":"KLINGON","version":1}  `, "body"),
		proxytest.RawFrame(`{"code":10}`, ""), // no opaque at all
	}
}

func TestRelayChangesNoByte(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		for _, f := range strangeFrames() {
			client.Write(f)
			require.Equal(t, f, broker.Read(len(f)), "from client to broker")
			broker.Write(f) // as a request of the broker: a push
			require.Equal(t, f, client.Read(len(f)), "from broker to client")
		}
	})
}

func TestRelayPushesAndTheirAnswers(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		// The client waits for an answer with the very opaque that the broker chooses for its own request.
		opaque := client.Request(codec.ReqPullMessage, "long poll")
		pull := broker.Next()
		broker.Send(&codec.Command{Code: codec.ReqCheckTransactionState, Opaque: opaque, Body: []byte("half")})
		push := client.Next()
		require.False(t, push.IsResponse())
		require.Equal(t, "half", string(push.Body))
		client.Answer(push, "client's")
		require.Equal(t, "client's", string(broker.Next().Body))
		broker.Answer(pull, "found")
		require.Equal(t, "found", string(client.Next().Body))
		client.Close()
		r.Settle(1)
		require.Equal(t, 1, r.BrokerMetric("upstream_requests_total", "broker", ""))
		require.Equal(t, 1, r.Stat("response"), "the answer to the pull; a push is no response")
		require.Equal(t, 2, r.Stat("request"), "the oneway of pinned and the pull; an answer to a push is no request")
	})
}

func TestRelayTakesStreamsCutAnywhere(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		all := bytes.Join(strangeFrames(), nil)
		t.Run("a byte at a time", func(t *testing.T) {
			some := all[:len(proxytest.Frame(&codec.Command{}))+200]
			go func() {
				for i := range some {
					client.Conn.Write(some[i : i+1])
				}
				client.Conn.Write(all[len(some):])
			}()
			require.Equal(t, all, broker.Read(len(all)))
			go func() {
				for i := range some {
					broker.Conn.Write(some[i : i+1])
				}
				broker.Conn.Write(all[len(some):])
			}()
			require.Equal(t, all, client.Read(len(all)))
		})
		t.Run("in pieces", func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 2))
			for range 20 {
				sizes := []int{}
				for left := len(all); left > 0; left -= sizes[len(sizes)-1] {
					sizes = append(sizes, min(left, 1+rnd.IntN(2000)))
				}
				go func() {
					at := 0
					for _, n := range sizes {
						client.Conn.Write(all[at : at+n])
						at += n
					}
				}()
				require.Equal(t, all, broker.Read(len(all)), "cut into %v", sizes)
			}
		})
		client.Works(broker)
	})
}

func TestRelayCutsThroughLargeBodies(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{Window: 32 << 10})
		client, broker := r.Pinned()
		body := make([]byte, 5<<20)
		rand.NewChaCha8([32]byte{}).Read(body)
		whole := proxytest.Frame(&codec.Command{Code: codec.ReqSendMessageV2, Opaque: 5, Body: body})
		go client.Conn.Write(whole[:1<<20])
		require.Equal(t, whole[:1<<20], broker.Read(1<<20), "the first part goes on before the last has come")
		go client.Conn.Write(whole[1<<20:])
		require.Equal(t, whole[1<<20:], broker.Read(len(whole)-1<<20))
		answer := (&codec.Command{Opaque: 5}).Answer(codec.ResSuccess, "")
		answer.Body = body
		whole = proxytest.Frame(answer)
		go broker.Conn.Write(whole[:1<<20])
		require.Equal(t, whole[:1<<20], client.Read(1<<20))
		go broker.Conn.Write(whole[1<<20:])
		require.Equal(t, whole[1<<20:], client.Read(len(whole)-1<<20))
		client.Works(broker)
	})
}

func TestThousandRequestsInOneWrite(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		r.Broker.Answers(proxytest.Echo)
		client := proxytest.Dial(t, r.Port(proxytest.BrokerA))
		const n = 1000
		var all []byte
		for i := range int32(n) {
			c := &codec.Command{Code: codec.ReqGetMaxOffset, Opaque: i + 1, Body: fmt.Append(nil, "body ", i)}
			all = c.Append(all, codec.Encoding(i%2)) // both encodings, taking turns
		}
		client.Write(all)
		for i := range int32(n) {
			a := client.Next()
			require.Equal(t, i+1, a.Opaque)
			require.Equal(t, fmt.Sprint("body ", i), string(a.Body))
		}
		client.Close()
		r.Settle(1)
		require.Equal(t, n, r.Stat("response_success"))
		r.GaugesAreZero()
	})
}

func TestDuplicateOpaquesAndAnswersNobodyWaitsFor(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client, broker := r.Pinned()
		for i := range 3 {
			client.Send(&codec.Command{Code: codec.ReqGetMaxOffset, Opaque: 77, Body: fmt.Append(nil, i)})
		}
		for range 3 {
			broker.Answer(broker.Next(), "one of three")
		}
		for range 3 {
			require.Equal(t, int32(77), client.Next().Opaque)
		}
		broker.Answer(&codec.Command{Opaque: 77}, "a fourth")
		broker.Answer(&codec.Command{Opaque: 123456}, "nobody asked")
		require.Equal(t, "a fourth", string(client.Next().Body))
		require.Equal(t, "nobody asked", string(client.Next().Body))
		client.Works(broker)
		client.Close()
		r.Settle(1)
		require.Equal(t, 4, r.Stat("response_success"), "three duplicates and one more; nobody waited for the others")
		require.Equal(t, 6, r.Stat("response"))
		r.GaugesAreZero()
	})
}

func TestOnewayRequestsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, proxytest.Best, proxytest.Options{})
	client, broker := r.Pinned()
	for range 100 {
		client.Send(&codec.Command{Code: codec.ReqSendMessageV2, Flag: codec.FlagOneway, Body: []byte("fire and forget")})
	}
	for range 100 {
		require.Equal(t, "fire and forget", string(broker.Next().Body))
	}
	client.Works(broker)
	require.LessOrEqual(t, len(r.Actors("request")), 1, "only the request that was answered had an actor")
	client.Close()
	r.Settle(1)
	require.Equal(t, 100, r.Stat("send_message_v2"))
	require.Equal(t, 1, r.Stat("response_success"))
	r.GaugesAreZero()
}

func TestEveryConnectionHasItsOwnUpstream(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		first, broker1 := r.Pinned()
		second, broker2 := r.Pinned()
		second.Works(broker2)
		first.Works(broker1)
		first.Close()
		broker1.Ends()
		second.Works(broker2)
	})
}

func TestUpstreamEndsWithItsClient(t *testing.T) {
	ends := map[string]func(p *proxytest.Client){
		"closed":      func(p *proxytest.Client) { p.Conn.Close() },
		"half-closed": func(p *proxytest.Client) { p.CloseWrite() },
		"reset":       func(p *proxytest.Client) { p.Reset() },
	}
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		for how, end := range ends {
			t.Run(how, func(t *testing.T) {
				client, broker := r.Pinned()
				client.Request(codec.ReqPullMessage, "waits for long")
				broker.Next()
				end(client)
				broker.Ends()
				if how == "half-closed" {
					client.Ends()
				}
			})
		}
		r.Settle(len(ends))
		r.GaugesAreZero()
		require.Equal(t, len(ends), r.Stat("response_error"), "what could not be answered any more")
		require.Empty(t, r.Actors("connection"))
	})
}

func TestFirstRequestsWaitForTheDial(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		client := proxytest.Dial(t, r.Port(proxytest.BrokerA))
		body := strings.Repeat("y", 300_000) // more than a chunk, less than a window: all of it comes before the dial ends, or not
		client.Request(codec.ReqSendMessageV2, body)
		client.Request(codec.ReqSendMessageV2, "small")
		broker := r.Broker.Accept()
		require.Equal(t, body, string(broker.Next().Body))
		require.Equal(t, "small", string(broker.Next().Body))
	})
}
