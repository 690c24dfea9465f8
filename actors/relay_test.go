package actors_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// strangeFrames are requests as clients of all kinds send them, as bytes: what comes out at the broker must be these.
func strangeFrames() [][]byte {
	send := &codec.Command{Code: codec.ReqSendMessageV2, Language: codec.Java, Version: codec.Version5_5_0, Opaque: 7,
		Ext: map[string]string{"b": "News", "n": "broker-zzz", "i": "k\x01v\x02"}, Body: bytes.Repeat([]byte("x"), 3000)}
	unknown := &codec.Command{Code: 31999, Opaque: 8, Version: 9999, Language: codec.Language(3), Remark: "ünknown"}
	return [][]byte{
		send.Append(nil, codec.JSON),
		send.Append(nil, codec.Binary),
		unknown.Append(nil, codec.JSON),
		unknown.Append(nil, codec.Binary),
		rawJSON(` { "unknown" : [1,{"a":null}] , "extFields":{"signature":"a+/=","n":12},"flag":0,"code":10,"opaque":9,"language":"KLINGON","version":1}  `, "body"),
		rawJSON(`{"code":10}`, ""), // no opaque at all
	}
}

// rawJSON makes a frame of a header as it stands.
func rawJSON(header, body string) []byte {
	total := 4 + len(header) + len(body)
	b := []byte{byte(total >> 24), byte(total >> 16), byte(total >> 8), byte(total), 0, byte(len(header) >> 16), byte(len(header) >> 8), byte(len(header))}
	return append(append(b, header...), body...)
}

func TestRelayChangesNoByte(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		for _, f := range strangeFrames() {
			client.write(f)
			require.Equal(t, f, broker.bytes(len(f)), "from client to broker")
			broker.write(f) // as a request of the broker: a push
			require.Equal(t, f, client.bytes(len(f)), "from broker to client")
		}
	})
}

func TestRelayPushesAndTheirAnswers(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		// The client waits for an answer with the very opaque that the broker chooses for its own request.
		opaque := client.request(codec.ReqPullMessage, "long poll")
		pull := broker.next()
		broker.send(&codec.Command{Code: codec.ReqCheckTransactionState, Opaque: opaque, Body: []byte("half")})
		push := client.next()
		require.False(t, push.IsResponse())
		require.Equal(t, "half", string(push.Body))
		client.answer(push, "client's")
		require.Equal(t, "client's", string(broker.next().Body))
		broker.answer(pull, "found")
		require.Equal(t, "found", string(client.next().Body))
		client.close()
		r.settle(1)
		require.Equal(t, 1, r.proxyMetric("upstream_requests_total", "broker", ""))
		require.Equal(t, 1, r.stat("response"), "the answer to the pull; a push is no response")
		require.Equal(t, 2, r.stat("request"), "the oneway of pinned and the pull; an answer to a push is no request")
	})
}

func TestRelayTakesStreamsCutAnywhere(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		all := bytes.Join(strangeFrames(), nil)
		t.Run("a byte at a time", func(t *testing.T) {
			some := all[:len(frame(&codec.Command{}))+200]
			go func() {
				for i := range some {
					client.nc.Write(some[i : i+1])
				}
				client.nc.Write(all[len(some):])
			}()
			require.Equal(t, all, broker.bytes(len(all)))
			go func() {
				for i := range some {
					broker.nc.Write(some[i : i+1])
				}
				broker.nc.Write(all[len(some):])
			}()
			require.Equal(t, all, client.bytes(len(all)))
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
						client.nc.Write(all[at : at+n])
						at += n
					}
				}()
				require.Equal(t, all, broker.bytes(len(all)), "cut into %v", sizes)
			}
		})
		client.open(broker)
	})
}

func TestRelayCutsThroughLargeBodies(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{window: 32 << 10})
		client, broker := r.pinned()
		body := make([]byte, 5<<20)
		rand.NewChaCha8([32]byte{}).Read(body)
		whole := frame(&codec.Command{Code: codec.ReqSendMessageV2, Opaque: 5, Body: body})
		go client.nc.Write(whole[:1<<20])
		require.Equal(t, whole[:1<<20], broker.bytes(1<<20), "the first part goes on before the last has come")
		go client.nc.Write(whole[1<<20:])
		require.Equal(t, whole[1<<20:], broker.bytes(len(whole)-1<<20))
		answer := (&codec.Command{Opaque: 5}).Answer(codec.ResSuccess, "")
		answer.Body = body
		whole = frame(answer)
		go broker.nc.Write(whole[:1<<20])
		require.Equal(t, whole[:1<<20], client.bytes(1<<20))
		go broker.nc.Write(whole[1<<20:])
		require.Equal(t, whole[1<<20:], client.bytes(len(whole)-1<<20))
		client.open(broker)
	})
}

func TestThousandRequestsInOneWrite(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		r.broker.serve(echo)
		client := dial(t, r.port(brokerA))
		const n = 1000
		var all []byte
		for i := range int32(n) {
			c := &codec.Command{Code: codec.ReqGetMaxOffset, Opaque: i + 1, Body: fmt.Append(nil, "body ", i)}
			all = c.Append(all, codec.Encoding(i%2)) // both encodings, taking turns
		}
		client.write(all)
		for i := range int32(n) {
			a := client.next()
			require.Equal(t, i+1, a.Opaque)
			require.Equal(t, fmt.Sprint("body ", i), string(a.Body))
		}
		client.close()
		r.settle(1)
		require.Equal(t, n, r.stat("response_success"))
		r.gaugesAreZero()
	})
}

func TestDuplicateOpaquesAndAnswersNobodyWaitsFor(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client, broker := r.pinned()
		for i := range 3 {
			client.send(&codec.Command{Code: codec.ReqGetMaxOffset, Opaque: 77, Body: fmt.Append(nil, i)})
		}
		for range 3 {
			broker.answer(broker.next(), "one of three")
		}
		for range 3 {
			require.Equal(t, int32(77), client.next().Opaque)
		}
		broker.answer(&codec.Command{Opaque: 77}, "a fourth")
		broker.answer(&codec.Command{Opaque: 123456}, "nobody asked")
		require.Equal(t, "a fourth", string(client.next().Body))
		require.Equal(t, "nobody asked", string(client.next().Body))
		client.open(broker)
		client.close()
		r.settle(1)
		require.Equal(t, 4, r.stat("response_success"), "three duplicates and one more; nobody waited for the others")
		require.Equal(t, 6, r.stat("response"))
		r.gaugesAreZero()
	})
}

func TestOnewayRequestsLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	r := start(t, best, options{})
	client, broker := r.pinned()
	for range 100 {
		client.send(&codec.Command{Code: codec.ReqSendMessageV2, Flag: codec.FlagOneway, Body: []byte("fire and forget")})
	}
	for range 100 {
		require.Equal(t, "fire and forget", string(broker.next().Body))
	}
	client.open(broker)
	require.LessOrEqual(t, len(r.actors("request")), 1, "only the request that was answered had an actor")
	client.close()
	r.settle(1)
	require.Equal(t, 100, r.stat("send_message_v2"))
	require.Equal(t, 1, r.stat("response_success"))
	r.gaugesAreZero()
}

func TestEveryConnectionHasItsOwnUpstream(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		first, broker1 := r.pinned()
		second, broker2 := r.pinned()
		second.open(broker2)
		first.open(broker1)
		first.close()
		broker1.ends()
		second.open(broker2)
	})
}

func TestUpstreamEndsWithItsClient(t *testing.T) {
	ends := map[string]func(p *peer){
		"closed":      func(p *peer) { p.nc.Close() },
		"half-closed": func(p *peer) { p.nc.CloseWrite() },
		"reset":       func(p *peer) { p.nc.SetLinger(0); p.nc.Close() },
	}
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		for how, end := range ends {
			t.Run(how, func(t *testing.T) {
				client, broker := r.pinned()
				client.request(codec.ReqPullMessage, "waits for long")
				broker.next()
				end(client)
				broker.ends()
				if how == "half-closed" {
					client.ends()
				}
			})
		}
		r.settle(len(ends))
		r.gaugesAreZero()
		require.Equal(t, len(ends), r.stat("response_error"), "what could not be answered any more")
		require.Empty(t, r.actors("connection"))
	})
}

func TestFirstRequestsWaitForTheDial(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		client := dial(t, r.port(brokerA))
		body := strings.Repeat("y", 300_000) // more than a chunk, less than a window: all of it comes before the dial ends, or not
		client.request(codec.ReqSendMessageV2, body)
		client.request(codec.ReqSendMessageV2, "small")
		broker := r.broker.accept()
		require.Equal(t, body, string(broker.next().Body))
		require.Equal(t, "small", string(broker.next().Body))
	})
}
