package stories

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

const (
	// lossWarmUp is longer than the 30 s after which old producers send their first heartbeat.
	lossWarmUp = 33 * time.Second
	// lossPause is how long the broker hangs before it dies, so that every client has something in flight then.
	lossPause = 300 * time.Millisecond
	lossTime  = 45 * time.Second
	// lossAfter covers the 30 s timer by which clients find their way back when nothing tells them.
	lossAfter = 35 * time.Second
)

// TestBrokerLostAndBack kills one of two brokers under clients that reach it directly and clients that reach it
// through the proxy, side by side, and brings it back. Clients behind the proxy must not fare worse.
func TestBrokerLostAndBack(t *testing.T) {
	harness.RequireReal(t)
	t.Parallel()
	cluster := harness.StartCluster(t, "5.5.0", 2)
	cluster.Open(t)
	proxied := harness.OwnProxy(t, cluster.NameServer, "")
	proxied.Name = "proxied"
	brokers, err := harness.Masters(t.Context(), cluster.NameServer)
	require.NoError(t, err)
	direct := &harness.Target{Name: "direct", NameServer: cluster.NameServer, Brokers: brokers, Version: cluster.Version}

	// A pair starts together: clients look for routes each 30 s from their start, and that decides how long they go on
	// sending to a broker that is lost.
	var all []*lossClients
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
	for _, p := range all {
		p.awaitReceptions(t)
	}
	time.Sleep(lossWarmUp)
	lost := time.Now()
	require.NoError(t, cluster.Broker("broker-b").Freeze())
	time.Sleep(lossPause)
	cluster.KillBroker("broker-b")
	frozen := time.Since(lost) // longer than lossPause on a busy machine
	time.Sleep(lossTime)
	require.NoError(t, cluster.RestartBroker("broker-b"))
	back := time.Now()
	time.Sleep(lossAfter)
	for _, p := range all {
		p.stop()
	}

	outcomes := map[string]*lossOutcome{}
	for _, p := range all {
		o := p.awaitAll(t, lost, back)
		outcomes[p.client+" "+p.path] = o
		t.Logf("%-10s %-7s of %d sends failed: %d sync, %d async; slowest %s sync, %s async; latest reception %s while away (%s), %s once back (%s); failures: %v",
			p.client, p.path, o.sent+o.failed["sync"]+o.failed["async"], o.failed["sync"], o.failed["async"],
			o.slowest["sync"], o.slowest["async"], o.away, o.ofAway, o.back, o.ofBack, o.reasons)
	}
	for _, client := range []string{"java-5.5.0", "java-4.9.4", "go-2.1.2"} {
		t.Run(client, func(t *testing.T) { requireNoWorse(t, outcomes[client+" proxied"], outcomes[client+" direct"], frozen) })
	}
}

// requireNoWorse compares a client behind the proxy with one that is connected directly. The allowances are what two
// runs of the same client differ by, direct as well: each looks for new routes at its own time, the directory's answer
// may be a second old, and when a connection breaks, Java clients fail what is in flight at once (and send it to
// another broker) or forget it (until its timeout), depending on whether another send notices the break first.
func requireNoWorse(t *testing.T, proxied, direct *lossOutcome, frozen time.Duration) {
	for _, mode := range []string{"sync", "async"} {
		allowed := direct.failed[mode]
		if mode == "async" {
			allowed = max(allowed, int(frozen/sendPause)+1)
		}
		if direct.failed[mode] > 0 {
			allowed += int(time.Second / sendPause)
		}
		require.LessOrEqual(t, proxied.failed[mode], allowed, "%s sends that failed behind the proxy: %v; direct: %v", mode, proxied.reasons, direct.reasons)
	}
	require.LessOrEqual(t, proxied.away, direct.away+3*time.Second, "the latest reception while the broker was away")
	require.LessOrEqual(t, proxied.back, direct.back+3*time.Second, "the latest reception once it was back")
	require.Zero(t, proxied.missing, "messages that were stored and never came")
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

// awaitAll waits until everything that was stored has come.
func (p *lossClients) awaitAll(t *testing.T, lost, back time.Time) (o *lossOutcome) {
	t.Helper()
	harness.Await(t, func() (err error) {
		if o, err = p.outcome(lost, back); err == nil && o.missing > 0 {
			err = fmt.Errorf("%s %s: %d of %d messages have not come", p.client, p.path, o.missing, o.sent)
		}
		return err
	})
	return o
}
