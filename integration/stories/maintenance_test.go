package stories

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// operated is a proxy with an operator's token, for one test.
type operated struct {
	*harness.Target
	token string
}

// operatedProxy starts one; cluster is more lines of [[cluster]].
func operatedProxy(t *testing.T, nameServer, cluster string) *operated {
	t.Helper()
	o := &operated{token: harness.Unique(t, "token")}
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte(o.token), 0o600))
	o.Target = harness.OwnProxy(t, harness.ProxyConfig{NameServer: nameServer, Cluster: cluster, Admin: fmt.Sprintf("token_file = %q", file)})
	return o
}

// asks has the operator ask the API for something, which must be done.
func (o *operated) asks(t *testing.T, method, path string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+o.Proxy.Admin+path, http.NoBody)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+o.token)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
}

// twoEmbeddedBrokers are broker-a and broker-b, with a topic that is on both.
func twoEmbeddedBrokers(t *testing.T, topic string) *embedded.Cluster {
	t.Helper()
	cluster := harness.OwnEmbedded(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: lostBroker}}})
	require.NoError(t, cluster.CreateTopic(topic, 4))
	return cluster
}

// TestPausesAreNotSeen pauses a broker time and again under producers and a consumer, for less than cluster.park_timeout.
func TestPausesAreNotSeen(t *testing.T) {
	t.Parallel()
	const topic = "Paused"
	cluster := twoEmbeddedBrokers(t, topic)
	proxy := operatedProxy(t, cluster.NameServers()[0], "")
	clients := goLossClients(t, proxy.Target, topic)
	clients.awaitReceptions(t)
	for range 5 {
		proxy.asks(t, http.MethodPost, "/api/v1/pause?broker="+lostBroker)
		time.Sleep(time.Second)
		proxy.asks(t, http.MethodDelete, "/api/v1/pause?broker="+lostBroker)
		time.Sleep(300 * time.Millisecond)
	}
	clients.stop()
	clients.awaitNoLoss(t)
}

// TestABrokerLeavesAndReturns takes one of two brokers out of use, restarts it, and takes it back, under producers and
// consumers of which none may notice.
func TestABrokerLeavesAndReturns(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		harness.RequireReal(t) // it needs nothing but Go, and more than a minute
		t.Parallel()
		const topic = "Leaving"
		cluster := twoEmbeddedBrokers(t, topic)
		proxy := operatedProxy(t, cluster.NameServers()[0], "")
		leaveAndReturn(t, proxy, []*lossClients{goLossClients(t, proxy.Target, topic)}, func() {
			broker := cluster.Broker(lostBroker)
			broker.Stop()
			time.Sleep(time.Second)
			require.NoError(t, broker.Restart())
		})
	})
	t.Run("real", func(t *testing.T) {
		harness.RequireReal(t)
		t.Parallel()
		cluster := harness.StartCluster(t, "5.5.0", 2)
		cluster.Open(t)
		proxy := operatedProxy(t, cluster.NameServer, "")
		topic := proxy.Topic(t, 4)
		leaveAndReturn(t, proxy, []*lossClients{
			javaLossClients(t, "5.5.0", proxy.Target, topic), javaLossClients(t, "4.9.4", proxy.Target, topic), goLossClients(t, proxy.Target, topic),
		}, func() {
			cluster.KillBroker(lostBroker)
			require.NoError(t, cluster.RestartBroker(lostBroker))
		})
	})
}

func leaveAndReturn(t *testing.T, proxy *operated, all []*lossClients, restart func()) {
	for _, p := range all {
		p.awaitReceptions(t)
	}
	path := "/api/v1/maintenance?broker=" + lostBroker
	proxy.asks(t, http.MethodPost, path)
	time.Sleep(leaveGrace + 5*time.Second)
	left := time.Now()
	restart()
	returned := time.Now()
	proxy.asks(t, http.MethodDelete, path)
	for _, p := range all {
		harness.Await(t, func() error { return p.sentAgain(left, returned) })
		p.stop()
	}
	for _, p := range all {
		p.awaitNoLoss(t)
	}
}

// leaveGrace is the time of grace that maintenance has by default.
const leaveGrace = 40 * time.Second

// sentAgain finds sends of each kind that the broker has taken since it has returned, and none from when it had left.
func (p *lossClients) sentAgain(left, returned time.Time) error {
	events, err := p.events()
	if err != nil {
		return err
	}
	again := map[string]bool{}
	for _, e := range events {
		if e.what != "sent" || e.detail != lostBroker || e.at.Before(left) {
			continue
		}
		if e.at.Before(returned) {
			return fmt.Errorf("%s has sent to the broker while it was away: %s", p.client, e.body)
		}
		again[e.mode()] = true
	}
	for _, mode := range lossModes {
		if !again[mode] {
			return fmt.Errorf("%s has sent nothing %s to the broker since it has returned", p.client, mode)
		}
	}
	return nil
}

// awaitNoLoss waits until everything that was sent has come, and insists that no send has failed.
func (p *lossClients) awaitNoLoss(t *testing.T) {
	t.Helper()
	harness.Await(t, func() error {
		events, err := p.events()
		if err != nil {
			return err
		}
		got := map[string]bool{}
		for _, e := range events {
			if e.what == "got" {
				got[e.body] = true
			}
		}
		for _, e := range events {
			if e.what == "sent" && !got[e.body] {
				return fmt.Errorf("%s has sent %s, and nobody has got it", p.client, e.body)
			}
		}
		return nil
	})
	events, err := p.events()
	require.NoError(t, err)
	sent := 0
	for _, e := range events {
		require.NotEqual(t, "failed", e.what, "%s: %s failed: %s", p.client, e.body, e.detail)
		if e.what == "sent" {
			sent++
		}
	}
	t.Logf("%s: %d sent, none failed, all came", p.client, sent)
}
