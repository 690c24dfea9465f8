package actors_test

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// stalled is how long a write makes no progress before it counts as held back. On a slow machine a write may take
// longer although it is not; what the tests then compare is still true.
const stalled = 300 * time.Millisecond

// push writes b and says on the channel how much had gone out when it was first held back, and then that all has.
func (p *peer) push(b []byte) (heldBack, done chan int) {
	heldBack, done = make(chan int, 1), make(chan int, 1)
	go func() {
		sent, held := 0, false
		for sent < len(b) {
			p.nc.SetWriteDeadline(time.Now().Add(stalled))
			n, err := p.nc.Write(b[sent:min(len(b), sent+64<<10)])
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

// heapInUse is what the test process has on its heap after a collection.
func heapInUse() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
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

var small = options{window: 64 << 10, settings: actors.Settings{BufferPerConnection: 64 << 10}}

// A client that asks for much and reads nothing costs a window; its broker is not read any more; nothing is lost.
func TestClientThatDoesNotRead(t *testing.T) {
	onBothAlone(t, func(t *testing.T, on sockets) {
		r := start(t, on, small)
		client, broker := r.pinned()
		other, otherBroker := r.pinned()
		const n, size = 300, 100_000
		var answers []byte
		for range n {
			client.request(codec.ReqPullMessage, "")
			a := broker.next().Answer(codec.ResSuccess, "")
			a.Body = pattern(a.Opaque, size)
			answers = a.Append(answers, codec.JSON)
		}
		before := heapInUse()
		heldBack, done := broker.push(answers)
		sent := <-heldBack
		require.Less(t, sent, len(answers), "the broker is held back")
		require.Less(t, heapInUse()-before, int64(maxGrowth))
		other.open(otherBroker)
		for i := range int32(n) {
			a := client.next()
			require.Equal(t, 2+i, a.Opaque)
			require.Equal(t, pattern(a.Opaque, size), a.Body)
		}
		require.Equal(t, len(answers), <-done)
		client.open(broker)
		client.close()
		other.close()
		r.settle(2)
		r.gaugesAreZero()
	})
}

// The same the other way round: a broker that does not read holds its client back, and only that one.
func TestBrokerThatDoesNotRead(t *testing.T) {
	onBothAlone(t, func(t *testing.T, on sockets) {
		r := start(t, on, small)
		client, broker := r.pinned()
		other, otherBroker := r.pinned()
		const n, size = 300, 100_000
		var requests []byte
		for i := range int32(n) {
			requests = append(requests, frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 100 + i, Body: pattern(i, size)})...)
		}
		before := heapInUse()
		heldBack, done := client.push(requests)
		require.Less(t, <-heldBack, len(requests), "the client is held back")
		require.Less(t, heapInUse()-before, int64(maxGrowth))
		other.open(otherBroker)
		for i := range int32(n) {
			c := broker.next()
			require.Equal(t, 100+i, c.Opaque)
			require.Equal(t, pattern(i, size), c.Body)
			broker.answer(c, "")
		}
		require.Equal(t, len(requests), <-done)
		for i := range int32(n) {
			require.Equal(t, 100+i, client.next().Opaque)
		}
	})
}

// Answers that the proxy makes are bounded as well: routes, of which a small request makes a large one. One is made
// after the other, so at most one of them is beyond the bound. But the directory may have asked anew meanwhile, what
// waits is of its answers of some seconds, and the name server and the other client of the test are in this heap as well.
func TestClientThatAsksForRoutesAndDoesNotRead(t *testing.T) {
	onBothAlone(t, func(t *testing.T, on sockets) {
		t.Run("many", func(t *testing.T) { askForRoutes(t, on, 2000, 20_000) })
		t.Run("large", func(t *testing.T) { askForRoutes(t, on, 100, 1<<20) })
	})
}

func askForRoutes(t *testing.T, on sockets, n int, size int) {
	ns := newFake(t)
	filler := `"filler":"` + strings.Repeat("z", size) + `",`
	ns.serve(func(c *codec.Command) *codec.Command {
		if c.Code == codec.ReqGetBrokerClusterInfo {
			return clusterInfo(c, "127.0.0.1:1")
		}
		a := topicRoute(c, "127.0.0.1:1")
		a.Body = []byte("{" + filler + string(a.Body[1:]))
		return a
	})
	o := small
	o.nameServers = []string{ns.addr}
	r := start(t, on, o)
	require.Equal(t, codec.ResSuccess, dial(t, r.nameServer()).call(routeRequest("News")).Code)
	client := dial(t, r.nameServer())
	var requests []byte
	for i := range int32(n) {
		c := routeRequest("News")
		c.Opaque = i + 1
		requests = append(requests, frame(c)...)
	}
	before := heapInUse()
	_, done := client.push(requests)
	// It has been held back when nothing moves any more although not all is answered.
	moved := func() int { return r.stat("response_success") }
	last := -1
	r.until("the answers are held back", func() bool {
		time.Sleep(stalled)
		now := moved()
		still := now == last
		last = now
		return still && now > 0
	})
	require.Less(t, last, n)
	require.Less(t, heapInUse()-before, int64(maxGrowth+16*size), "all would be %d", n*size)
	require.Equal(t, codec.ResSuccess, dial(t, r.nameServer()).call(routeRequest("News")).Code, "others are served")
	seen := map[int32]bool{}
	for range n {
		a := client.next()
		require.Equal(t, codec.ResSuccess, a.Code)
		require.False(t, seen[a.Opaque])
		seen[a.Opaque] = true
	}
	require.Equal(t, len(requests), <-done)
	client.close()
}

// Refusals by the thousand: a broker that is down answers at once, also who does not read.
func TestClientThatAsksADeadBrokerAndDoesNotRead(t *testing.T) {
	onBothAlone(t, func(t *testing.T, on sockets) {
		r := start(t, on, small)
		client, broker := r.pinned()
		beat(client, broker, fullBeat) // others than consumers are disconnected
		r.broker.close()
		broker.close()
		const n = 30_000
		remark := strings.Repeat("r", 200)
		var requests []byte
		for i := range int32(n) {
			requests = append(requests, frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: i + 1, Remark: remark})...)
		}
		before := heapInUse()
		_, done := client.push(requests)
		last := -1
		r.until("the answers are held back, or all are on their way", func() bool {
			time.Sleep(stalled)
			now := r.stat("response_error")
			still := now == last
			last = now
			return still && now > 0
		})
		require.Less(t, heapInUse()-before, int64(maxGrowth))
		for range n {
			require.Equal(t, codec.ResServiceNotAvailable, client.next().Code)
		}
		require.Equal(t, len(requests), <-done)
	})
}

// A client that is held back and leaves gives everything back.
func TestHeldBackClientLeaves(t *testing.T) {
	onBothAlone(t, func(t *testing.T, on sockets) {
		r := start(t, on, small)
		client, broker := r.pinned()
		var answers []byte
		for range 200 {
			client.request(codec.ReqPullMessage, "")
			a := broker.next().Answer(codec.ResSuccess, "")
			a.Body = make([]byte, 100_000)
			answers = a.Append(answers, codec.JSON)
		}
		heldBack, _ := broker.push(answers)
		<-heldBack
		client.close()
		r.settle(1)
		r.gaugesAreZero()
		require.Empty(t, r.actors("upstream"))
		client, broker = r.pinned()
		client.open(broker)
	})
}
