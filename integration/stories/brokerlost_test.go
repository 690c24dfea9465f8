package stories

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

const (
	lostBroker = "broker-b"
	// lossWarmUp is longer than the 30 s after which old producers send their first heartbeat.
	lossWarmUp = 33 * time.Second
	// lossPause is how long the broker hangs before it dies, so that every client has something in flight then.
	lossPause = 300 * time.Millisecond
	// lossTime is longer than clients take to look at their routes, so that all learn of the loss.
	lossTime = 45 * time.Second
	// lossAfter is how long everybody goes on when the last client has been told that the broker is back.
	lossAfter = 5 * time.Second
	// lossAllowance is what two runs of the same client differ by, direct as well.
	lossAllowance = 3 * time.Second
)

var lossModes = []string{"sync", "async"} // of producers

// TestBrokerLostAndBack kills one of two brokers under clients that reach it directly and clients that reach it
// through the proxy, side by side, and brings it back. Clients behind the proxy must not fare worse.
//
// Clients look at their routes each 30 s, counted from their start, and that decides how long they go on sending to a
// broker that is lost, and when they find it again. The path does not change it, so it does not count: the broker is lost
// when no producer is about to look, and what happens once it is back is measured from when the client was told so. That
// the proxy tells it when a name server does is compared by itself.
func TestBrokerLostAndBack(t *testing.T) {
	harness.RequireReal(t)
	t.Parallel()
	cluster := harness.StartCluster(t, "5.5.0", 2)
	cluster.Open(t)
	proxied := harness.OwnProxy(t, harness.ProxyConfig{NameServer: cluster.NameServer})
	proxied.Name = "proxied"
	brokers, err := harness.Masters(t.Context(), cluster.NameServer)
	require.NoError(t, err)
	direct := &harness.Target{Name: "direct", NameServer: cluster.NameServer, Brokers: brokers, Version: cluster.Version}

	all := startLossClients(t, direct, proxied)
	for _, p := range all {
		p.awaitReceptions(t)
	}
	time.Sleep(lossWarmUp)
	watched := direct.Topic(t, 1) // of no client: a look of ours would have the proxy answer theirs from memory
	directRoutes, proxiedRoutes := pollRoutes(t, direct, watched), pollRoutes(t, proxied, watched)
	awaitQuiet(t, all)
	lost := time.Now()
	require.NoError(t, cluster.Broker(lostBroker).Freeze())
	time.Sleep(lossPause)
	cluster.KillBroker(lostBroker)
	frozen := time.Since(lost) // longer than lossPause on a busy machine
	time.Sleep(lossTime)
	started := time.Now()
	require.NoError(t, cluster.RestartBroker(lostBroker))
	times := map[*lossClients]*lossTimes{}
	for _, p := range all {
		times[p] = p.awaitTold(t, lost, started)
	}
	time.Sleep(lossAfter)
	for _, p := range all {
		p.stop()
	}

	outcomes := map[string]*lossOutcome{}
	for _, p := range all {
		o := p.awaitAll(t, times[p])
		outcomes[p.client+" "+p.path] = o
		t.Logf("%-10s %-7s of %d sends failed: %v; slowest %v; unaware %v; resumed %v; latest reception %s while away (%s), %s once back (%s); failures: %v",
			p.client, p.path, o.sent+o.failed["sync"]+o.failed["async"], o.failed, o.slowest, o.unaware, o.resumed,
			o.away, o.ofAway, o.back, o.ofBack, o.reasons)
	}
	t.Run("routes", func(t *testing.T) { requireAsFresh(t, proxiedRoutes(), directRoutes(), lost) })
	for _, client := range []string{"java-5.5.0", "java-4.9.4", "go-2.1.2"} {
		t.Run(client, func(t *testing.T) { requireNoWorse(t, outcomes[client+" proxied"], outcomes[client+" direct"], frozen) })
	}
}

// startLossClients starts one set of each client per path. A pair starts together.
func startLossClients(t *testing.T, direct, proxied *harness.Target) (all []*lossClients) {
	t.Helper()
	for _, start := range []func(*harness.Target, string) *lossClients{
		func(target *harness.Target, topic string) *lossClients {
			return javaLossClients(t, "5.5.0", target, topic)
		},
		func(target *harness.Target, topic string) *lossClients {
			return javaLossClients(t, "4.9.4", target, topic)
		},
		func(target *harness.Target, topic string) *lossClients { return goLossClients(t, target, topic) },
	} {
		ofDirect, ofProxied := direct.Topic(t, 4), direct.Topic(t, 4)
		all = append(all, start(direct, ofDirect), start(proxied, ofProxied))
	}
	return all
}

// requireNoWorse compares a client behind the proxy with one that is connected directly. A client whose sends to the lost
// broker fail has them fail for as long as it is unaware of the loss. When a connection breaks, Java clients fail what is in
// flight at once (and send it to another broker) or forget it (until its timeout), depending on whether another send
// notices the break first.
func requireNoWorse(t *testing.T, proxied, direct *lossOutcome, frozen time.Duration) {
	for _, mode := range lossModes {
		allowed := int(float64(direct.failed[mode]) * proxied.unaware[mode].Seconds() / direct.unaware[mode].Seconds())
		if mode == "async" {
			allowed = max(allowed, int(frozen/sendPause)+1)
		}
		if direct.failed[mode] > 0 {
			allowed += int(time.Second / sendPause)
		}
		require.LessOrEqual(t, proxied.failed[mode], allowed, "%s sends that failed behind the proxy: %v; direct: %v", mode, proxied.reasons, direct.reasons)
		require.LessOrEqual(t, proxied.resumed[mode], direct.resumed[mode]+lossAllowance, "the first %s send to the broker once it was back", mode)
	}
	require.LessOrEqual(t, proxied.away, direct.away+lossAllowance, "the latest reception while the broker was away")
	require.LessOrEqual(t, proxied.back, direct.back+lossAllowance, "the latest reception once it was back")
}

// requireAsFresh compares the routes that the proxy tells with those of the name server.
func requireAsFresh(t *testing.T, proxied, direct []harness.RouteLook, lost time.Time) {
	gone, back := goneAndBack(direct, lost)
	proxiedGone, proxiedBack := goneAndBack(proxied, lost)
	require.False(t, gone.IsZero() || back.IsZero(), "the name server's routes: gone %s, back %s", gone, back)
	require.False(t, proxiedGone.IsZero() || proxiedBack.IsZero(), "the proxy's routes: gone %s, back %s", proxiedGone, proxiedBack)
	t.Logf("the proxy's routes tell the loss %s and the return %s after the name server's", proxiedGone.Sub(gone), proxiedBack.Sub(back))
	require.LessOrEqual(t, proxiedGone.Sub(gone), lossAllowance, "the loss is told")
	require.LessOrEqual(t, proxiedBack.Sub(back), lossAllowance, "the return is told")
}

// pollRoutes looks at a topic's route time and again, until the function that it returns is called.
func pollRoutes(t *testing.T, target *harness.Target, topic string) (stop func() []harness.RouteLook) {
	ctx, cancel := context.WithCancel(t.Context())
	var looks []harness.RouteLook
	var poll sync.WaitGroup
	poll.Go(func() {
		for ctx.Err() == nil {
			if route, err := harness.RouteOf(ctx, target.NameServer, topic); err == nil {
				looks = append(looks, harness.NewRouteLook(route))
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	return func() []harness.RouteLook { cancel(); poll.Wait(); return looks }
}

// awaitQuiet waits until the producers have looked at their routes and will not for as long as can be had.
func awaitQuiet(t *testing.T, all []*lossClients) {
	t.Helper()
	var next []time.Duration
	for _, p := range all {
		for _, mode := range lossModes {
			looks := p.routes[mode].Looks()
			next = append(next, harness.RoutePeriod-time.Since(looks[len(looks)-1].At)%harness.RoutePeriod)
		}
	}
	begin, length := longestQuiet(next)
	t.Logf("no producer looks at its routes for %s, in %s", length, begin)
	time.Sleep(begin + length/10)
}

// longestQuiet returns the longest time without a look, given when the looks are that come again each period.
func longestQuiet(next []time.Duration) (begin, length time.Duration) {
	slices.Sort(next)
	for i, at := range next {
		following := next[0] + harness.RoutePeriod
		if i+1 < len(next) {
			following = next[i+1]
		}
		if following-at > length {
			begin, length = at, following-at
		}
	}
	return begin, length
}

// awaitReceptions waits until messages of both producers have come from both brokers.
func (p *lossClients) awaitReceptions(t *testing.T) {
	t.Helper()
	harness.Await(t, func() error {
		events, err := p.events()
		if err != nil {
			return err
		}
		var seen []string
		for _, e := range events {
			if from := e.mode() + " " + e.detail; e.what == "got" && !slices.Contains(seen, from) {
				seen = append(seen, from)
			}
		}
		if len(seen) < 4 {
			return fmt.Errorf("%s %s has received only %q", p.client, p.path, seen)
		}
		return nil
	})
}

// awaitTold waits until all three clients were told that the broker is back.
func (p *lossClients) awaitTold(t *testing.T, lost, started time.Time) (times *lossTimes) {
	t.Helper()
	harness.Await(t, func() (err error) {
		times, err = p.times(lost, started)
		return err
	})
	return times
}

// awaitAll waits until everything that was stored has come.
func (p *lossClients) awaitAll(t *testing.T, times *lossTimes) (o *lossOutcome) {
	t.Helper()
	harness.Await(t, func() (err error) {
		o, err = p.outcome(times)
		return err
	})
	return o
}
