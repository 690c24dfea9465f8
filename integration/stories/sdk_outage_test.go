package stories

import (
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestASuccessorCostsTheGoSDKNothing starts a proxy beside another one, under load, and has the first one end: no send fails,
// and nothing is lost.
func TestASuccessorCostsTheGoSDKNothing(t *testing.T) {
	t.Parallel()
	cluster := harness.OwnEmbedded(t, embedded.Options{})
	sdksLiveThrough(t, &harness.Cluster{NameServer: cluster.NameServers()[0]}, map[string]*harness.SDK{"go": harness.StartGoSDK(t, false)})
}

// TestASuccessorCostsSDKsNothing is the same with real brokers and the Java SDK.
func TestASuccessorCostsSDKsNothing(t *testing.T) {
	t.Parallel()
	harness.RequireReal(t)
	sdksLiveThrough(t, harness.DirectTarget(t, "5.5.0").Cluster,
		map[string]*harness.SDK{"go": harness.StartGoSDK(t, false), "java": harness.StartJavaSDK(t, false)})
}

func sdksLiveThrough(t *testing.T, cluster *harness.Cluster, sdks map[string]*harness.SDK) {
	first, second := twoProxies(t, cluster, "", "reuse_port = true\n")
	target := &harness.Target{Name: t.Name(), NameServer: first.Listen, Proxy: first.Proxy}
	var err error
	target.Brokers, err = harness.Masters(t.Context(), first.Listen)
	require.NoError(t, err)
	underLoad(t, target, sdks, func() {
		require.NoError(t, second.launch())
		require.NoError(t, first.Stop())
	})
}

// TestABrokerThatDiesFailsNoSendOfSDKs kills one of two brokers under load, and starts it again: what it had comes then.
func TestABrokerThatDiesFailsNoSendOfSDKs(t *testing.T) {
	t.Parallel()
	cluster := harness.StartCluster(t, "5.5.0", 2)
	target := harness.OwnProxy(t, harness.ProxyConfig{NameServer: cluster.NameServer})
	sdks := map[string]*harness.SDK{"go": harness.StartGoSDK(t, false), "java": harness.StartJavaSDK(t, false)}
	underLoad(t, target, sdks, func() {
		cluster.KillBroker("broker-b")
		time.Sleep(10 * time.Second) // it is away for so long
		require.NoError(t, cluster.RestartBroker("broker-b"))
	})
}

// underLoad has SDKs send and receive while something happens. No send may fail, and everything that was stored has to come.
func underLoad(t *testing.T, target *harness.Target, sdks map[string]*harness.SDK, happens func()) {
	t.Helper()
	var all []*restartClient
	for name, sdk := range sdks {
		all = append(all, sdkRestartClient(t, name, &sdkFixture{target, sdk}))
	}
	for _, who := range all {
		awaitMore(t, who, 100)
	}
	endWatch := watchGaps(t, all)
	happens()
	for _, who := range all {
		awaitMore(t, who, 100)
	}
	endWatch()
	for _, who := range all {
		require.NoError(t, who.stop())
		awaitAll(t, who)
		stored, failures, err := who.sent()
		require.NoError(t, err)
		received, err := who.received()
		require.NoError(t, err)
		twice := -len(received)
		for _, n := range received {
			twice += n
		}
		t.Logf("%s: %d sent, %d failed, %d came twice, longest gap %s", who.name, len(stored), len(failures), twice, who.gap.Round(100*time.Millisecond))
		require.Empty(t, failures, "sends of %s that failed", who.name)
	}
}

// sdkRestartClient sends a message each 10 ms, as the SDK does it: with up to three attempts.
func sdkRestartClient(t *testing.T, name string, f *sdkFixture) *restartClient {
	topic := f.Topic(t, 4)
	c := f.push(t, topic, harness.Unique(t, "group"))
	p := f.start(t, harness.SDKCommand{Do: "producer", Topic: topic}) // as by default
	var mu sync.Mutex
	var stored []harness.Checksum
	var failures []string
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := uint64(0); ; i++ {
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
			body := harness.RandomBody(i, 300)
			_, err := f.sdk.Do(harness.SDKCommand{Do: "send", Client: p, Topic: topic, Body: body})
			mu.Lock()
			if err != nil {
				failures = append(failures, err.Error())
			} else {
				stored = append(stored, sha256.Sum256(body))
			}
			mu.Unlock()
		}
	}()
	stop := sync.OnceFunc(func() { close(done); <-stopped })
	t.Cleanup(stop)
	return &restartClient{
		name: name,
		sent: func() ([]harness.Checksum, []string, error) {
			mu.Lock()
			defer mu.Unlock()
			return append([]harness.Checksum(nil), stored...), append([]string(nil), failures...), nil
		},
		received: func() (map[harness.Checksum]int, error) { return counts(f.given(c)), nil },
		stop:     func() error { stop(); return nil },
	}
}
