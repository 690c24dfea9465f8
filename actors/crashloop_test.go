package actors_test

import (
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// A crash loop of what belongs to one connection costs that connection, and is told after it has gone.
func TestCrashLoopOfAConnectionsActors(t *testing.T) {
	f := func(kind string, times int) {
		t.Helper()
		proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
			c := l.Dial(proxytest.OfficeBrokerPort)
			c.WriteFrames(proxytest.PullRequest(1)) // and another one, for a client that asks once has its request's actor only for that
			b := l.Broker.Accept()
			require.Equal(t, []int32{1}, b.Opaques())
			b.WriteFrames(proxytest.PullAnswer(1))
			require.Equal(t, []int32{1}, c.Opaques())
			c.WriteFrames(proxytest.PullRequest(2))
			require.Equal(t, []int32{2}, b.Opaques())
			connection := l.One("proxy/listener/office", "connection")
			id := l.One(connection, kind)
			other := l.Dial(proxytest.OfficeBrokerPort)

			l.Kill(id, times-1)
			c.Opaques() // what its request was answered
			require.True(t, c.Open())
			l.Kill(id, 1)
			require.False(t, c.Open())
			require.NotContains(t, l.Env.Actors(connection), connection)
			require.True(t, other.Open())
			require.Empty(t, l.GaveUp)

			last := l.Env.Failures.Recent()[:2]
			require.Equal(t, []string{"connection", kind}, []string{last[0].Kind, last[1].Kind})
			require.Equal(t, "stopped", last[0].Did)
			require.Equal(t, "too many: escalated", last[1].Did)
			require.Equal(t, connection, last[0].Actor)
			require.Contains(t, last[0].Reason, "failed "+strconv.Itoa(times)+" times within 10s, the last time with: killed by a test")
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
		proxytest.InSim(t, proxytest.Options{Listeners: []string{"office", "branch"}}, func(t *testing.T, l *proxytest.Sim) {
			c, other := l.Dial(proxytest.OfficeBrokerPort), l.Dial(proxytest.BranchBrokerPort)
			for n, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
				l.Kill(id, times-1)
				require.True(t, c.Open())
				require.False(t, l.Refuses(proxytest.OfficePort))
				l.Kill(id, 1)
				require.False(t, c.Open())
				require.True(t, l.Refuses(proxytest.OfficePort))
				require.True(t, l.Refuses(proxytest.OfficeBrokerPort))

				time.Sleep(pause - time.Millisecond)
				require.True(t, l.Refuses(proxytest.OfficePort))
				time.Sleep(time.Millisecond)
				synctest.Wait()
				require.False(t, l.Refuses(proxytest.OfficePort))
				c = l.Dial(proxytest.OfficeBrokerPort)
				c.WriteFrames(proxytest.PullRequest(1))
				b := l.Broker.Accept()
				require.Equal(t, []int32{1}, b.Opaques(), "opened again %d times", n+1)
			}
			require.True(t, other.Open())
			require.Empty(t, l.GaveUp)
			require.Len(t, l.Log.Lines("listener keeps failing, closed for a while"), 3)

			time.Sleep(5 * time.Minute) // the next pause is a short one again
			l.Kill(id, times)
			require.True(t, l.Refuses(proxytest.OfficePort))
			time.Sleep(time.Second)
			synctest.Wait()
			require.False(t, l.Refuses(proxytest.OfficePort))
		})
	}
	f("proxy/listener/office", 11)
	f("proxy/listener/office/connections", 11)
	f("proxy/listener/office/acceptor/10.0.0.1:20000", 11)
}

// A port that somebody took meanwhile does not end the process either.
func TestListenerThatCannotOpenAgain(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
		l.Kill("proxy/listener/office", 11)
		thief, err := l.Network.Listen(proxytest.OfficePort)
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.NotEmpty(t, l.Log.Lines("cannot reopen listener, trying again"))
		require.Empty(t, l.GaveUp)
		thief.Close()
		time.Sleep(2 * time.Minute)
		l.Dial(proxytest.OfficePort)
	})
}

// A drain that comes while a listener waits to open leaves it closed.
func TestDrainOfAListenerThatWaits(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
		l.Kill("proxy/listener/office", 11)
		l.Drain(messages.Drain{})
		time.Sleep(time.Minute)
		require.True(t, l.Refuses(proxytest.OfficePort))
	})
}

// A pillar that keeps failing ends the process, and the reason names it. Fewer failures are repaired.
func TestCrashLoopOfAPillar(t *testing.T) {
	f := func(id string) {
		t.Helper()
		proxytest.InSim(t, proxytest.Options{MayGiveUp: true}, func(t *testing.T, l *proxytest.Sim) {
			l.Kill(id, 10)
			require.Empty(t, l.GaveUp)
			require.Equal(t, 10, l.Env.Failures.Of(id).Count)
			time.Sleep(time.Minute)
			synctest.Wait()
			l.Kill(id, 11)
			require.NotEmpty(t, l.GaveUp)
			require.EqualError(t, <-l.GaveUp, actors.Kind(id)+" "+id+" failed 11 times within 10s, the last time with: killed by a test")
			require.Equal(t, "too many: escalated", l.Env.Failures.Recent()[0].Did)
		})
	}
	f("proxy/stats")
	f("proxy/cluster/main")
}

// The top is no different, though nobody supervises it.
func TestCrashLoopOfTheTop(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{MayGiveUp: true}, func(t *testing.T, l *proxytest.Sim) {
		for range 10 {
			l.Kill("proxy", 1)
		}
		require.Empty(t, l.GaveUp)
		require.Equal(t, 10, l.Env.Failures.Of("proxy").Count)
		l.Dial(proxytest.OfficeBrokerPort)
		l.Kill("proxy", 1)
		require.Len(t, l.GaveUp, 1)
		require.EqualError(t, <-l.GaveUp, "proxy proxy failed 11 times within 10s, the last time with: killed by a test")
	})
}

// The last hundred failures are kept, the latest first.
func TestRecentFailures(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
		require.Empty(t, l.Env.Failures.Recent())
		for range 13 {
			l.Kill("proxy/stats", 9)
			time.Sleep(11 * time.Second)
		}
		recent := l.Env.Failures.Recent()
		require.Len(t, recent, 100)
		require.Equal(t, 13*9, recent[0].Count)
		require.Equal(t, 13*9-99, recent[99].Count)
		require.Equal(t, "killed by a test", recent[0].Reason)
		require.Equal(t, "restarted", recent[0].Did)
		require.False(t, recent[0].At.Before(recent[99].At))
	})
}
