package connection_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// stalled is how long a write makes no progress before it counts as held back. On a slow machine a write may take
// longer although it is not; what the tests then compare is still true.
const stalled = 100 * time.Millisecond

// push writes b and says on the channel how much had gone out when it was first held back, and then that all has.
func push(p *proxytest.Client, b []byte) (heldBack, done chan int) {
	heldBack, done = make(chan int, 1), make(chan int, 1)
	go func() {
		sent, held := 0, false
		for sent < len(b) {
			p.Conn.SetWriteDeadline(time.Now().Add(stalled))
			n, err := p.Conn.Write(b[sent:min(len(b), sent+64<<10)])
			sent += n
			if errors.Is(err, os.ErrDeadlineExceeded) {
				if !held {
					heldBack <- sent
					held = true
				}
			} else if err != nil {
				break
			}
		}
		done <- sent
	}()
	return heldBack, done
}

// pattern is a body that belongs to one opaque.
func pattern(opaque int32, size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i) ^ byte(opaque) ^ byte(i>>8)
	}
	return b
}

// maxGrowth is what the heap may grow by for one connection that is held back; window and buffer are 64 KiB each, and
// what would have to be kept without them is 30 MB.
const maxGrowth = 4 << 20

var small = proxytest.Options{Window: 64 << 10, Settings: actors.Settings{BufferPerConnection: 64 << 10}}

// A client that asks for much and reads nothing costs a window; its broker is not read any more; nothing is lost.
func TestClientThatDoesNotRead(t *testing.T) {
	proxytest.OnBothAlone(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, small)
		client, broker := r.Pinned()
		other, otherBroker := r.Pinned()
		const n, size = 300, 100_000
		var answers []byte
		for range n {
			client.Request(codec.ReqPullMessage, "")
			a := broker.Next().Answer(codec.ResSuccess, "")
			a.Body = pattern(a.Opaque, size)
			answers = a.Append(answers, codec.JSON)
		}
		before := proxytest.HeapInUse()
		heldBack, done := push(broker, answers)
		sent := <-heldBack
		require.Less(t, sent, len(answers), "the broker is held back")
		require.Less(t, proxytest.HeapInUse()-before, int64(maxGrowth))
		other.Works(otherBroker)
		for i := range int32(n) {
			a := client.Next()
			require.Equal(t, 2+i, a.Opaque)
			require.Equal(t, pattern(a.Opaque, size), a.Body)
		}
		require.Equal(t, len(answers), <-done)
		client.Works(broker)
		client.Close()
		other.Close()
		r.Settle(2)
		r.GaugesAreZero()
	})
}

// The same the other way round: a broker that does not read holds its client back, and only that one.
func TestBrokerThatDoesNotRead(t *testing.T) {
	proxytest.OnBothAlone(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, small)
		client, broker := r.Pinned()
		other, otherBroker := r.Pinned()
		const n, size = 300, 100_000
		var requests []byte
		for i := range int32(n) {
			requests = append(requests, proxytest.Frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 100 + i, Body: pattern(i, size)})...)
		}
		before := proxytest.HeapInUse()
		heldBack, done := push(client, requests)
		require.Less(t, <-heldBack, len(requests), "the client is held back")
		require.Less(t, proxytest.HeapInUse()-before, int64(maxGrowth))
		other.Works(otherBroker)
		for i := range int32(n) {
			c := broker.Next()
			require.Equal(t, 100+i, c.Opaque)
			require.Equal(t, pattern(i, size), c.Body)
			broker.Answer(c, "")
		}
		require.Equal(t, len(requests), <-done)
		for i := range int32(n) {
			require.Equal(t, 100+i, client.Next().Opaque)
		}
	})
}

// Answers that the proxy makes are bounded as well: routes, of which a small request makes a large one. One is made
// after the other, so at most one of them is beyond the bound. But the directory may have asked anew meanwhile, what
// waits is of its answers of some seconds, and the name server and the other client of the test are in this heap as well.
func TestClientThatAsksForRoutesAndDoesNotRead(t *testing.T) {
	proxytest.OnBothAlone(t, func(t *testing.T, on proxytest.Sockets) {
		t.Run("many", func(t *testing.T) { askForRoutes(t, on, 1000, 20_000) })
		t.Run("large", func(t *testing.T) { askForRoutes(t, on, 50, 1<<20) })
	})
}

func askForRoutes(t *testing.T, on proxytest.Sockets, n int, size int) {
	ns := proxytest.NewFakeBroker(t)
	filler := `"filler":"` + strings.Repeat("z", size) + `",`
	ns.Answers(func(c *codec.Command) *codec.Command {
		if c.Code == codec.ReqGetBrokerClusterInfo {
			return proxytest.ClusterInfo(c, "127.0.0.1:1")
		}
		a := proxytest.TopicRoute(c, "127.0.0.1:1")
		a.Body = []byte("{" + filler + string(a.Body[1:]))
		return a
	})
	o := small
	o.NameServers = []string{ns.Address}
	r := proxytest.Start(t, on, o)
	require.Equal(t, codec.ResSuccess, proxytest.Dial(t, r.NameServer()).Call(proxytest.RouteRequest("News")).Code)
	client := proxytest.Dial(t, r.NameServer())
	var requests []byte
	for i := range int32(n) {
		c := proxytest.RouteRequest("News")
		c.Opaque = i + 1
		requests = append(requests, proxytest.Frame(c)...)
	}
	before := proxytest.HeapInUse()
	_, done := push(client, requests)
	// It has been held back when nothing moves any more although not all is answered.
	moved := func() int { return r.Stat("response_success") }
	last := -1
	r.Until("the answers are held back", func() bool {
		time.Sleep(stalled)
		now := moved()
		still := now == last
		last = now
		return still && now > 0
	})
	require.Less(t, last, n)
	require.Less(t, proxytest.HeapInUse()-before, int64(maxGrowth+16*size), "all would be %d", n*size)
	require.Equal(t, codec.ResSuccess, proxytest.Dial(t, r.NameServer()).Call(proxytest.RouteRequest("News")).Code, "others are served")
	seen := map[int32]bool{}
	for range n {
		a := client.Next()
		require.Equal(t, codec.ResSuccess, a.Code)
		require.False(t, seen[a.Opaque])
		seen[a.Opaque] = true
	}
	require.Equal(t, len(requests), <-done)
	client.Close()
}

// Refusals by the thousand: a broker that is down answers at once, also who does not read.
func TestClientThatAsksADeadBrokerAndDoesNotRead(t *testing.T) {
	proxytest.OnBothAlone(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, small)
		client, broker := r.Pinned()
		client.Heartbeat(broker, proxytest.FullHeartbeat) // others than consumers are disconnected
		r.Broker.Close()
		broker.Close()
		const n = 30_000
		remark := strings.Repeat("r", 200)
		var requests []byte
		for i := range int32(n) {
			requests = append(requests, proxytest.Frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: i + 1, Remark: remark})...)
		}
		before := proxytest.HeapInUse()
		_, done := push(client, requests)
		last := -1
		r.Until("the answers are held back, or all are on their way", func() bool {
			time.Sleep(stalled)
			now := r.Stat("response_error")
			still := now == last
			last = now
			return still && now > 0
		})
		require.Less(t, proxytest.HeapInUse()-before, int64(maxGrowth))
		for range n {
			require.Equal(t, codec.ResServiceNotAvailable, client.Next().Code)
		}
		require.Equal(t, len(requests), <-done)
	})
}

// A client that is held back and leaves gives everything back.
func TestHeldBackClientLeaves(t *testing.T) {
	proxytest.OnBothAlone(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, small)
		client, broker := r.Pinned()
		var answers []byte
		for range 200 {
			client.Request(codec.ReqPullMessage, "")
			a := broker.Next().Answer(codec.ResSuccess, "")
			a.Body = make([]byte, 100_000)
			answers = a.Append(answers, codec.JSON)
		}
		heldBack, _ := push(broker, answers)
		<-heldBack
		client.Close()
		r.Settle(1)
		r.GaugesAreZero()
		require.Empty(t, r.Actors("upstream"))
		client, broker = r.Pinned()
		client.Works(broker)
	})
}
