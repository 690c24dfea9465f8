package transport_test

import (
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// directLoops are n loops that wait without telling the scheduler, with a connection on each that has just had traffic.
func directLoops(t *testing.T, n int) (conns []transport.Conn, traffic func()) {
	before := runtime.GOMAXPROCS(n + 1)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	loops := newLoops(t, n, options{})
	require.Equal(t, n, transport.DirectWaits(loops))
	w := &fixture{loops, t}
	var exchanges []func()
	for range n {
		sink := newRecordingSink()
		c, peer := w.accept(sink)
		conns = append(conns, c)
		exchanges = append(exchanges, func() {
			before := sink.snapshot().frames
			_, err := peer.Write(frame(1, 10))
			require.NoError(t, err)
			sink.await(t, "a frame", func() bool { return sink.frames > before })
		})
	}
	return conns, func() {
		for _, exchange := range exchanges {
			exchange()
		}
	}
}

// usage is what the thread of a connection's loop has used.
func usage(t *testing.T, c transport.Conn) (u syscall.Rusage) {
	on(c, func() {}) // whatever made the loop run has ended
	done := make(chan error)
	c.Executor().Schedule(func() { done <- syscall.Getrusage(unix.RUSAGE_THREAD, &u) })
	require.NoError(t, <-done)
	return u
}

// Loops whose traffic has ended are left alone. Waits that the scheduler does not know of would be interrupted 100 times a
// second, for 0.9 % of a core. Wake-ups from elsewhere, as those of timers, are not traffic.
func TestIdleLoopsSleep(t *testing.T) {
	const idle = time.Second
	conns, traffic := directLoops(t, 2)
	traffic()
	for _, c := range conns {
		require.Eventually(t, func() (quiet bool) {
			on(c, func() { quiet = transport.Quiet(c) })
			return quiet
		}, patience, 30*time.Millisecond, "the monitor interrupts it after 10 ms")
	}
	var before []syscall.Rusage
	for _, c := range conns {
		before = append(before, usage(t, c))
	}
	cpu := cpuTime(t)
	time.Sleep(idle)
	cpu = cpuTime(t) - cpu
	for i, c := range conns {
		after := usage(t, c)
		require.Less(t, after.Nvcsw-before[i].Nvcsw, int64(20), "waits that ended")
	}
	t.Logf("%.3f %% of a core", 100*cpu.Seconds()/idle.Seconds())
	require.Less(t, cpu, idle/100)
}

// The garbage collector does not wait for a loop until that has traffic.
func TestWaitingLoopsDoNotHoldUpTheWorld(t *testing.T) {
	conns, traffic := directLoops(t, 2)
	var took []time.Duration
	var stats runtime.MemStats
	for range 50 {
		traffic()
		for _, c := range conns { // they wait again, and the monitor has not interrupted them
			for !transport.Waiting(c) {
				runtime.Gosched()
			}
		}
		begun := time.Now()
		runtime.ReadMemStats(&stats) // stops the world
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	t.Logf("median %v, longest %v", took[len(took)/2], took[len(took)-1])
	require.Less(t, took[len(took)/2], 3*time.Millisecond)
}

// One P is left for goroutines, and without the signals that end such a wait there is none.
func TestDirectWaitsAreLimited(t *testing.T) {
	before := runtime.GOMAXPROCS(3)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	first := newLoops(t, 1, options{})
	require.Equal(t, 1, transport.DirectWaits(first))
	second := newLoops(t, 3, options{})
	require.Equal(t, 1, transport.DirectWaits(second))
	second.Close()
	first.Close()
	require.Equal(t, 2, transport.DirectWaits(newLoops(t, 2, options{})), "they are given back")

	t.Setenv("GODEBUG", "gctrace=0,asyncpreemptoff=1")
	runtime.GOMAXPROCS(10)
	require.Zero(t, transport.DirectWaits(newLoops(t, 1, options{})))
}
