package transport_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Close ends all sockets of all loops, also those that are busy, and the loops.
func TestLoopsClose(t *testing.T) {
	loops, err := transport.NewLoops(3, options{}.limits, 0, 0, 0)
	require.NoError(t, err)
	w := &fixture{loops, t}
	ln, err := w.Listen("127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	accepted := make(acceptSink, 1)
	ln.Accept(accepted)
	var peers []net.Conn
	used := map[transport.Executor]int{}
	for range 12 {
		peer, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		defer peer.Close()
		peers = append(peers, peer)
		c := accepted.next(t)
		used[c.Executor()]++
		on(c, func() {
			c.Start(discardSink{})
			if len(peers)%2 == 0 {
				c.Write(make([]byte, 16<<20), nil)
			}
		})
	}
	require.Len(t, used, 3, "connections are spread over the loops")
	require.ElementsMatch(t, loops.Executors(), keys(used))
	loops.Close()
	for _, peer := range peers {
		require.NoError(t, peer.SetReadDeadline(time.Now().Add(patience)))
		_, err := io.Copy(io.Discard, peer)
		require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
	}
	loops.Close() // once is enough, twice is harmless
	loops.Executors()[0].Schedule(func() { t.Error("a loop runs on after its end") })
}

func keys(m map[transport.Executor]int) (all []transport.Executor) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

// Functions from everywhere run one at a time, each sender's in order, and none is forgotten.
func TestSchedule(t *testing.T) {
	const senders, each = 8, 5000
	x := newLoops(t, 1, options{}).Executors()[0]
	var running atomic.Int32
	var wrong atomic.Bool
	last := make([]int, senders)
	var done sync.WaitGroup
	done.Add(senders * each)
	for s := range senders {
		go func() {
			for i := range each {
				x.Schedule(func() {
					if running.Add(1) != 1 || last[s] != i {
						wrong.Store(true)
					}
					last[s]++
					running.Add(-1)
					done.Done()
				})
			}
		}()
	}
	done.Wait()
	require.False(t, wrong.Load())
}

// What a function schedules on its own loop runs, without another wake-up from elsewhere.
func TestScheduleOnTheLoop(t *testing.T) {
	x := newLoops(t, 1, options{}).Executors()[0]
	done := make(chan struct{})
	left := 100_000
	var again func()
	again = func() {
		if left--; left == 0 {
			close(done)
			return
		}
		x.Schedule(again)
	}
	x.Schedule(again)
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		require.Fail(t, "a function that was scheduled on its own loop does not run")
	}
}

// Work that makes more work for ever does not keep sockets from being looked at.
func TestWorkDoesNotStarveSockets(t *testing.T) {
	w := &fixture{newLoops(t, 1, options{}), t}
	sink := newRecordingSink()
	c, peer := w.accept(sink)
	var stop atomic.Bool
	var again func()
	again = func() {
		if !stop.Load() {
			c.Executor().Schedule(again)
		}
	}
	c.Executor().Schedule(again)
	defer stop.Store(true)
	_, err := peer.Write(frame(1, 10))
	require.NoError(t, err)
	sink.awaitBytes(t, frame(1, 10))
}

// A socket with much to read gets one read at a time; the others of its loop get theirs in between.
func TestBusySocketDoesNotStarveOthers(t *testing.T) {
	w := &fixture{newLoops(t, 1, options{window: 64 << 20}), t}
	var order []transport.Conn
	note := func(event any) {
		if ch, ok := event.(*transport.Chunk); ok {
			order = append(order, ch.Conn) // on the loop
		}
	}
	busy, quiet := newRecordingSink(), newRecordingSink()
	busy.hook, quiet.hook = note, note
	a, flood := w.accept(busy)
	b, drop := w.accept(quiet)
	much := frames(100, 4000)
	on(a, func() { // nothing is read until all of it lies in the sockets
		for _, send := range []struct {
			peer *net.TCPConn
			b    []byte
		}{{flood, much}, {drop, frame(1, 10)}} {
			require.NoError(t, send.peer.SetWriteDeadline(time.Now().Add(patience)))
			_, err := send.peer.Write(send.b)
			require.NoError(t, err)
		}
	})
	busy.awaitBytes(t, much)
	quiet.awaitBytes(t, frame(1, 10))
	on(b, func() {
		at := 0
		for i, c := range order {
			if c == b {
				at = i
			}
		}
		require.LessOrEqual(t, at, 1, "it was served after %d of %d reads of the other", at, len(order)-1)
		require.Greater(t, len(order), 6)
	})
}

// An event that the kernel reported of a socket does not reach another one that has got its descriptor meanwhile.
func TestDescriptorsAreUsedAgain(t *testing.T) {
	nobody := full(t)
	w := &fixture{newLoops(t, 1, options{}), t}
	conns, peers := [2]transport.Conn{}, [2]net.Conn{}
	first := true
	sink := newRecordingSink()
	greedy := newRecordingSink()
	greedy.hook = func(event any) {
		ch, ok := event.(*transport.Chunk)
		if !ok || !first {
			return
		}
		first = false
		other := conns[0]
		if ch.Conn == other {
			other = conns[1]
		}
		other.Close()  // its event is in the same batch
		for range 20 { // one of them gets its descriptor
			w.Dial(nobody, transport.DownstreamOf(ch.Conn), sink)
		}
	}
	for i := range conns {
		conns[i], peers[i] = w.accept(greedy)
	}
	on(conns[0], func() { // both have something to read before the loop looks
		for _, peer := range peers {
			_, err := peer.Write(frame(1, 10))
			require.NoError(t, err)
		}
	})
	greedy.await(t, "the first", func() bool { return greedy.frames == 1 })
	on(conns[0], func() {})
	require.Empty(t, sink.snapshot().order, "nobody accepts it, so the event was the other's")
}

// A socket that TCP connected with itself, as happens to a dial to a port of the kernel's choosing that nobody listens
// on, is not a connection. It would take the place of a broker that is about to come back.
func TestConnectedWithItself(t *testing.T) {
	w := &fixture{newLoops(t, 1, options{}), t}
	downstream, _ := w.accept(discardSink{})
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	self, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	require.NoError(t, syscall.Connect(fd, self))
	sink := newRecordingSink()
	on(downstream, func() { transport.Adopt(downstream, fd, sink) })
	require.ErrorIs(t, sink.awaitClosed(t), syscall.ECONNREFUSED)
	require.Zero(t, sink.snapshot().connected)
}

// A panic of a function on a loop ends the process. Actors recover theirs in their mailboxes; what gets here is a bug
// of the machinery itself, whose locks and counts can no longer be trusted, and a loop that died quietly would take
// its clients along without a trace.
func TestPanicOnALoopEndsTheProcess(t *testing.T) {
	if os.Getenv("PANIC_ON_A_LOOP") != "" {
		newLoops(t, 1, options{}).Executors()[0].Schedule(func() { panic("BUG: on a loop") })
		time.Sleep(patience)
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPanicOnALoopEndsTheProcess$")
	cmd.Env = append(os.Environ(), "PANIC_ON_A_LOOP=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "panic: BUG: on a loop")
}

// Wake-ups that come while the loops end go nowhere: the descriptor may be somebody else's by then.
func TestScheduleWhileLoopsEnd(t *testing.T) {
	for range 100 {
		loops, err := transport.NewLoops(1, options{}.limits, 0, 0, 0)
		require.NoError(t, err)
		x := loops.Executors()[0]
		var senders sync.WaitGroup
		for range 4 {
			senders.Go(func() {
				for range 100 {
					x.Schedule(func() {})
				}
			})
		}
		loops.Close()
		r, pw, err := os.Pipe() // takes the descriptors that are free again
		require.NoError(t, err)
		senders.Wait()
		loops.Close()
		x.Schedule(func() {})
		require.NoError(t, pw.Close())
		got, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Empty(t, got, "bytes of a wake-up")
		require.NoError(t, r.Close())
	}
}

// A loop whose sockets are all paused sleeps, though there is something to read on each.
func TestPausedSocketsCostNothing(t *testing.T) {
	w := &fixture{newLoops(t, 1, options{window: 4 << 10}), t}
	sink := newRecordingSink()
	sink.hold = true
	_, peer := w.accept(sink)
	_, err := peer.Write(frames(100, 1000))
	require.NoError(t, err)
	sink.await(t, "a full window", func() bool { return sink.count >= 4<<10 })
	before := cpuTime(t)
	const pause = 200 * time.Millisecond
	time.Sleep(pause)
	require.Less(t, cpuTime(t)-before, pause/10, "the loop runs hot")
}

// cpuTime is what this process has used of its processors.
func cpuTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// A dial that its owner closes is over: its timeout, or the outcome of a look-up, may come behind that and is not an event.
func TestDialEndsAfterItWasClosed(t *testing.T) {
	w := &fixture{newLoops(t, 1, options{}), t}
	for _, target := range []string{full(t), "localhost:1"} {
		downstream, _ := w.accept(discardSink{})
		sink := newRecordingSink()
		on(downstream, func() {
			c := w.Dial(target, transport.DownstreamOf(downstream), sink)
			c.Write([]byte("never"), nil)
			require.Equal(t, 5, c.Kept())
			c.Close()
			require.Zero(t, c.Kept())
			transport.EndDial(c)
		})
		on(downstream, func() {})
		require.Empty(t, sink.snapshot().order)
	}
}
