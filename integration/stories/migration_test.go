package stories

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// migration is a topic that moves from one cluster to another behind one listener, as docs/OPERATIONS.md says.
type migration struct {
	t        *testing.T
	old, new *embedded.Broker
	target   *harness.Target
	topic    string
}

func newMigration(t *testing.T) *migration {
	t.Helper()
	m := &migration{t: t, topic: "Orders"}
	var servers []string
	for _, name := range []string{"old", "new"} {
		cluster := harness.OwnEmbedded(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: name}}})
		require.NoError(t, cluster.CreateTopic(m.topic, 4))
		servers = append(servers, cluster.NameServers()[0])
		if m.old == nil {
			m.old = cluster.Broker(name)
		} else {
			m.new = cluster.Broker(name)
		}
	}
	m.target = betweenClusters(t, servers[0], servers[1])
	return m
}

// betweenClusters starts a proxy whose listener has the cluster "main", and "new" as soon as a route names it.
func betweenClusters(t *testing.T, main, new string) *harness.Target {
	t.Helper()
	return harness.ConfiguredProxy(t, harness.ProxyConfig{
		NameServer: main,
		Cluster:    fmt.Sprintf("[[cluster]]\nname = \"new\"\nname_servers = [%q]\n", new),
		Listener:   routesFrom + routesTo,
	})
}

// The routes of the proxy's file stand between these lines.
const (
	routesFrom = "# routes from here\n"
	routesTo   = "# to here\n"
)

// lead reloads the proxy with one route for the topic, or none, and returns when it is in effect.
func (m *migration) lead(cluster, drainFrom string) {
	m.t.Helper()
	path := filepath.Join(filepath.Dir(m.target.Proxy.LogPath), "proxy.toml")
	text, err := os.ReadFile(path)
	require.NoError(m.t, err)
	before, rest, ok := strings.Cut(string(text), routesFrom)
	require.True(m.t, ok)
	_, after, _ := strings.Cut(rest, routesTo)
	route := fmt.Sprintf("[[route]]\ntopic = { exact = %q }\ncluster = %q\ndrain_from = %q\n", m.topic, cluster, drainFrom)
	require.NoError(m.t, os.WriteFile(path, []byte(before+routesFrom+route+routesTo+after), 0o600))
	require.NoError(m.t, m.target.Proxy.HangUp())
}

// producing sends one message after the other until it is stopped.
type producing struct {
	mu     sync.Mutex
	bodies [][]byte
	failed error
	stop   chan struct{}
	ended  chan struct{}
}

func (m *migration) produce(p rocketmq.Producer) *producing {
	s := &producing{stop: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		for n := uint64(0); ; n++ {
			select {
			case <-s.stop:
				return
			case <-time.After(5 * time.Millisecond): // a load, not a wait
			}
			body := harness.RandomBody(n, 100)
			result, err := p.SendSync(context.Background(), primitive.NewMessage(m.topic, body))
			if err == nil && result.Status != primitive.SendOK {
				err = fmt.Errorf("status %d", result.Status)
			}
			s.mu.Lock()
			s.bodies, s.failed = append(s.bodies, body), errors.Join(s.failed, err)
			s.mu.Unlock()
		}
	}()
	return s
}

func (s *producing) end(t *testing.T) [][]byte {
	t.Helper()
	close(s.stop)
	<-s.ended
	require.NoError(t, s.failed)
	return s.bodies
}

// grows waits until a broker stores more messages of the topic.
func (m *migration) grows(b *embedded.Broker) {
	m.t.Helper()
	n := len(b.Messages(m.topic))
	harness.Await(m.t, func() error {
		if now := len(b.Messages(m.topic)); now < n+20 {
			return fmt.Errorf("%s has got %d messages", b.Name(), now-n)
		}
		return nil
	})
}

// TestATopicMovesToAnotherCluster moves a topic while a Go producer sends, and a consumer that refuses one message in ten at
// first reads: no send fails, and every message is consumed, those that were retried in either cluster, too.
func TestATopicMovesToAnotherCluster(t *testing.T) {
	harness.RequireReal(t) // it needs nothing but Go, and more than a minute
	t.Parallel()
	m := newMigration(t)
	group, in := harness.Unique(t, "group"), new(refusing)
	m.target.Consumer(t, group, m.topic, consumer.MessageSelector{}, in.accept)
	load := m.produce(m.target.Producer(t))
	m.grows(m.old)

	m.lead("main", "new") // consumers first
	_, err := m.new.WaitMembers(t.Context(), group, 1)
	require.NoError(t, err)
	require.Empty(t, m.new.Messages(m.topic), "no producer was led there")

	m.lead("new", "main") // then producers
	m.grows(m.new)
	moved := len(m.old.Messages(m.topic))
	m.grows(m.new)
	require.Len(t, m.old.Messages(m.topic), moved, "producers send to the new cluster alone")

	bodies := load.end(t)
	harness.Await(t, func() error { return in.Missing(bodies) })
	require.Positive(t, in.from("old").retried)
	require.Positive(t, in.from("new").retried)
}

// TestATopicMovesBetweenRealClusters is the same with brokers of 4.9.7 and 5.5.0. Both clusters have a broker-a; of the second
// one broker-b is offered.
func TestATopicMovesBetweenRealClusters(t *testing.T) {
	t.Parallel()
	harness.RequireReal(t)
	before, after := harness.DirectTarget(t, "4.9.7"), harness.DirectTarget(t, "5.5.0")
	m := &migration{t: t, topic: harness.Unique(t, "topic"), target: betweenClusters(t, before.NameServer, after.NameServer)}
	require.NoError(t, harness.CreateTopic(t.Context(), before.NameServer, before.Brokers, m.topic, 4))
	require.NoError(t, harness.CreateTopic(t.Context(), after.NameServer, map[string]string{"broker-b": after.Brokers["broker-b"]}, m.topic, 4))
	in := new(refusing)
	m.target.Consumer(t, harness.Unique(t, "group"), m.topic, consumer.MessageSelector{}, in.accept)
	load := m.produce(m.target.Producer(t))
	hasFrom := func(broker string) {
		harness.Await(t, func() error {
			if n := in.from(broker).consumed; n < 50 {
				return fmt.Errorf("%d messages of %s have come", n, broker)
			}
			return nil
		})
	}
	hasFrom("broker-a")
	m.lead("new", "main")
	hasFrom("broker-b")
	bodies := load.end(t)
	harness.Await(t, func() error { return in.Missing(bodies) })
	require.Positive(t, in.from("broker-a").retried)
	require.Positive(t, in.from("broker-b").retried)
}

// refusing is a listener that refuses one message in ten at first, and keeps what it takes.
type refusing struct {
	harness.Inbox
	mu     sync.Mutex
	got    int
	counts map[string]taken
}

// taken is how much has come from one broker, and how much of that after it was refused.
type taken struct{ consumed, retried int }

func (r *refusing) accept(_ context.Context, got ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.got++; r.got%10 == 0 && got[0].ReconsumeTimes == 0 {
		return consumer.ConsumeRetryLater, nil
	}
	if r.counts == nil {
		r.counts = map[string]taken{}
	}
	t := r.counts[got[0].Queue.BrokerName]
	t.consumed++
	if got[0].ReconsumeTimes > 0 {
		t.retried++
	}
	r.counts[got[0].Queue.BrokerName] = t
	r.Add(got)
	return consumer.ConsumeSuccess, nil
}

func (r *refusing) from(broker string) taken {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.counts[broker]
}

// The same with clients of Java.
func TestATopicOfJavaClientsMovesToAnotherCluster(t *testing.T) {
	for _, version := range []string{"5.5.0", "4.9.4"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			shell := harness.StartJavaShell(t, version)
			m := newMigration(t)
			group := harness.Unique(t, "group")
			require.NoError(t, shell.StartMember(m.target.NameServer, m.topic, group, harness.Unique(t, "client")))
			require.NoError(t, shell.StartProducer(m.target.NameServer, m.topic, harness.Unique(t, "producer"), harness.Unique(t, "client")))
			early := awaitStored(t, shell, 20)
			m.lead("main", "new")
			_, err := m.new.WaitMembers(t.Context(), group, 1)
			require.NoError(t, err)
			m.lead("new", "main")
			m.grows(m.new)
			require.NoError(t, shell.StopProducer())
			_, failures, err := shell.Sent()
			require.NoError(t, err)
			require.Empty(t, failures[early:])
			awaitAllReceived(t, shell)
		})
	}
}
