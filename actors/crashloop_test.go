package actors_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
)

// A crash loop of what belongs to one connection costs that connection, and is told after it has gone.
func TestCrashLoopOfAConnectionsActors(t *testing.T) {
	f := func(kind string, times int) {
		t.Helper()
		inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
			c := l.join(doorABroker)
			c.sends(pullOf(1)) // and another one, for a client that asks once has its request's actor only for that
			b := l.broker()
			require.Equal(t, []int32{1}, b.gets())
			b.sends(answerTo(1))
			require.Equal(t, []int32{1}, c.gets())
			c.sends(pullOf(2))
			require.Equal(t, []int32{2}, b.gets())
			connection := l.one("proxy/listener/a", "connection")
			id := l.one(connection, kind)
			other := l.join(doorABroker)

			l.fault(id, times-1)
			c.gets() // what its request was answered
			require.True(t, c.open())
			l.fault(id, 1)
			require.False(t, c.open())
			require.NotContains(t, l.env.Actors(connection), connection)
			require.True(t, other.open())
			require.Empty(t, l.reasons())

			last := l.env.Failures.Recent()[:2]
			require.Equal(t, []string{"connection", kind}, []string{last[0].Kind, last[1].Kind})
			require.Equal(t, "stopped", last[0].Did)
			require.Equal(t, "too many: escalated", last[1].Did)
			require.Equal(t, connection, last[0].Actor)
			require.Contains(t, last[0].Reason, "failed "+strconv.Itoa(times)+" times within 10s, the last time with: injected")
		})
	}
	f("request", 65)
	f("upstream", 6)
}

// A listener that keeps failing is closed, drops its clients, and opens again after a pause that grows; the other
// listener and the process do not notice.
func TestCrashLoopOfAListenersActors(t *testing.T) {
	f := func(id string, times int) {
		t.Helper()
		inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
			c, other := l.join(doorABroker), l.join(doorBBroker)
			for n, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
				l.fault(id, times-1)
				require.True(t, c.open())
				require.False(t, l.refuses(doorA))
				l.fault(id, 1)
				require.False(t, c.open())
				require.True(t, l.refuses(doorA))
				require.True(t, l.refuses(doorABroker))

				time.Sleep(pause - time.Millisecond)
				require.True(t, l.refuses(doorA))
				time.Sleep(time.Millisecond)
				synctest.Wait()
				require.False(t, l.refuses(doorA))
				c = l.join(doorABroker)
				c.sends(pullOf(1))
				b := l.broker()
				require.Equal(t, []int32{1}, b.gets(), "opened again %d times", n+1)
			}
			require.True(t, other.open())
			require.Empty(t, l.reasons())
			require.Len(t, l.logged("a listener kept failing"), 3)

			time.Sleep(5 * time.Minute) // the next pause is a short one again
			l.fault(id, times)
			require.True(t, l.refuses(doorA))
			time.Sleep(time.Second)
			synctest.Wait()
			require.False(t, l.refuses(doorA))
		}, "b")
	}
	f("proxy/listener/a", 11)
	f("proxy/listener/a/connections", 11)
	f("proxy/listener/a/acceptor/10.0.0.1:20000", 11)
}

// A port that somebody took meanwhile does not end the process either.
func TestListenerThatCannotOpenAgain(t *testing.T) {
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		l.fault("proxy/listener/a", 11)
		thief, err := l.v.Listen(doorA)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.NotEmpty(t, l.logged("cannot open a listener again"))
		require.Empty(t, l.reasons())
		thief.Close()
		time.Sleep(2 * time.Minute)
		l.join(doorA)
	})
}

// A drain that comes while a listener waits to open leaves it closed.
func TestDrainOfAListenerThatWaits(t *testing.T) {
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		l.fault("proxy/listener/a", 11)
		l.drain()
		time.Sleep(time.Minute)
		require.True(t, l.refuses(doorA))
	})
}

// A pillar that keeps failing ends the process, and the reason names it. Fewer failures are repaired.
func TestCrashLoopOfAPillar(t *testing.T) {
	f := func(id string) {
		t.Helper()
		inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
			l.fault(id, 10)
			require.Empty(t, l.reasons())
			require.Equal(t, 10, l.env.Failures.Of(id).Count)
			time.Sleep(time.Minute)
			synctest.Wait()
			l.fault(id, 11)
			require.NotEmpty(t, l.reasons())
			require.EqualError(t, l.reasons()[0], actors.Kind(id)+" "+id+" failed 11 times within 10s, the last time with: injected")
			require.Equal(t, "too many: escalated", l.env.Failures.Recent()[0].Did)
		})
	}
	f("proxy/stats")
	f("proxy/cluster/main")
}

// The top is no different, though nobody supervises it.
func TestCrashLoopOfTheTop(t *testing.T) {
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		for range 10 {
			l.fault("proxy", 1)
		}
		require.Empty(t, l.reasons())
		require.Equal(t, 10, l.env.Failures.Of("proxy").Count)
		l.join(doorABroker)
		l.fault("proxy", 1)
		require.Len(t, l.reasons(), 1)
		require.EqualError(t, l.reasons()[0], "proxy proxy failed 11 times within 10s, the last time with: injected")
	})
}

// The last hundred failures are kept, the latest first.
func TestRecentFailures(t *testing.T) {
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		require.Empty(t, l.env.Failures.Recent())
		for range 13 {
			l.fault("proxy/stats", 9)
			time.Sleep(11 * time.Second)
		}
		recent := l.env.Failures.Recent()
		require.Len(t, recent, 100)
		require.Equal(t, 13*9, recent[0].Count)
		require.Equal(t, 13*9-99, recent[99].Count)
		require.Equal(t, "injected", recent[0].Reason)
		require.Equal(t, "restarted", recent[0].Did)
		require.False(t, recent[0].At.Before(recent[99].At))
	})
}
