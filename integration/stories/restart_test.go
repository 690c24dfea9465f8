package stories

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
)

// TestRestartWithSuccessor restarts a proxy under producers and consumers: a successor starts beside it, and then it
// is told to end. With hand_over nobody may notice: no send fails, nothing comes twice, and there is no gap. With
// reuse_port alone clients have to connect again, which 5.5.0 is told to do and others find out; how long they then
// receive nothing is logged.
func TestRestartWithSuccessor(t *testing.T) {
	t.Parallel()
	cluster := harness.StartCluster(t, "5.5.0", 2)
	t.Run("hand_over", func(t *testing.T) {
		restart(t, cluster, fmt.Sprintf("hand_over = %q\n", filepath.Join(t.TempDir(), "s")), "",
			func(t *testing.T, name string, failures []string, twice int, gap time.Duration) {
				require.Empty(t, failures, "sends of %s that failed", name)
				require.Zero(t, twice, "messages that came to %s twice", name)
				require.Less(t, gap, 20*time.Second, "%s received nothing for that long, as if its heartbeat had to come first", name)
			})
	})
	t.Run("reuse_port", func(t *testing.T) {
		restart(t, cluster, "", "reuse_port = true\n", func(t *testing.T, name string, failures []string, _ int, _ time.Duration) {
			if name == "java-5.5.0" {
				require.Empty(t, failures, "sends of %s that failed", name)
			}
		})
	})
}

// restartClient is a producer and a consumer of one kind that live through a restart.
type restartClient struct {
	name     string
	sent     func() (stored []harness.Checksum, failures []string, err error)
	received func() (map[harness.Checksum]int, error)
	stop     func() error
	gap      time.Duration // the longest time in which nothing came
}

func restart(t *testing.T, cluster *harness.Cluster, top, listener string, judge func(t *testing.T, name string, failures []string, twice int, gap time.Duration)) {
	first, second := twoProxies(t, cluster, top, listener)
	target := &harness.Target{Name: t.Name(), NameServer: first.Listen, Proxy: first.Proxy}
	var err error
	target.Brokers, err = harness.Masters(t.Context(), first.Listen)
	require.NoError(t, err)
	all := []*restartClient{javaRestartClient(t, "5.5.0", target), javaRestartClient(t, "4.9.4", target), goRestartClient(t, target)}
	require.Equal(t, []string{"java-5.5.0", "java-4.9.4", "go"}, []string{all[0].name, all[1].name, all[2].name})
	for _, who := range all {
		awaitMore(t, who, 100)
	}
	endWatch := watchGaps(t, all)
	failedBefore := make([]int, len(all)) // while clients start, on a busy machine
	for i, who := range all {
		_, failures, err := who.sent()
		require.NoError(t, err)
		failedBefore[i] = len(failures)
	}

	require.NoError(t, second.launch())
	require.NoError(t, first.Stop())
	// 35 s: what a client of 4.9.4 may wait for its heartbeat has to fall into the time that is watched.
	settled := time.Now().Add(35 * time.Second)
	harness.Await(t, func() error {
		if time.Now().Before(settled) {
			return fmt.Errorf("watching for gaps")
		}
		return nil
	})
	for _, who := range all {
		awaitMore(t, who, 100)
	}
	endWatch()
	for _, who := range all {
		require.NoError(t, who.stop())
		awaitAll(t, who)
	}
	for i, who := range all {
		stored, failures, err := who.sent()
		require.NoError(t, err)
		failures = failures[failedBefore[i]:]
		received, err := who.received()
		require.NoError(t, err)
		twice := 0
		for _, n := range received {
			twice += n - 1
		}
		t.Logf("%s: %d sent, %d failed, %d came twice, longest gap %s", who.name, len(stored), len(failures), twice, who.gap.Round(100*time.Millisecond))
		judge(t, who.name, failures, twice, who.gap)
	}
}

// successor is a proxy that is not started yet, or is.
type successor struct {
	*harness.Proxy
	launch func() error
}

// twoProxies configures two proxies with the same ports, and starts the first.
func twoProxies(t *testing.T, cluster *harness.Cluster, top, listener string) (first, second *successor) {
	t.Helper()
	port, err := freeport.Range(4 + harness.BrokerPorts)
	require.NoError(t, err)
	state := t.TempDir()
	configure := func() *successor {
		admin, err := freeport.Range(1)
		require.NoError(t, err)
		dir, err := harness.RunSubdir(harness.Unique(t, "proxy"))
		require.NoError(t, err)
		path := filepath.Join(dir, "proxy.toml")
		text := fmt.Sprintf("drain_timeout = \"20s\"\nstate_dir = %q\n%s[[cluster]]\nname_servers = [%q]\n[[listener]]\naddress = %q\nbroker_ports = \"%d-%d\"\n%s[admin]\naddress = %q\n",
			state, top, cluster.NameServer, freeport.Loopback(port), port+4, port+4+harness.BrokerPorts-1, listener, freeport.Loopback(admin))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		s := &successor{}
		s.launch = func() error {
			s.Proxy, err = harness.LaunchProxy(dir, freeport.Loopback(port), freeport.Loopback(admin), "serve", "--config", path)
			return err
		}
		return s
	}
	first, second = configure(), configure()
	require.NoError(t, first.launch())
	t.Cleanup(func() {
		if first.Running() {
			first.Kill()
		}
		if second.Proxy != nil {
			if err := second.Stop(); err != nil {
				t.Error(err)
			}
		}
	})
	return first, second
}

func javaRestartClient(t *testing.T, version string, target *harness.Target) *restartClient {
	shell := harness.StartJavaShell(t, version)
	topic := target.Topic(t, 4)
	require.NoError(t, shell.StartMember(target.NameServer, topic, harness.Unique(t, "group"), harness.Unique(t, "client")))
	require.NoError(t, shell.StartProducer(target.NameServer, topic, harness.Unique(t, "producer"), harness.Unique(t, "client")))
	return &restartClient{name: "java-" + version, sent: shell.Sent, received: shell.Received, stop: shell.StopProducer}
}

// goTraveller sends as often as the Java producers, each message once.
func goRestartClient(t *testing.T, target *harness.Target) *restartClient {
	topic := target.Topic(t, 4)
	in := new(harness.Inbox)
	target.Consumer(t, harness.Unique(t, "group"), topic, consumer.MessageSelector{}, in.Accept)
	p := target.Producer(t)
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
			result, err := p.SendSync(t.Context(), primitive.NewMessage(topic, body))
			mu.Lock()
			switch {
			case err != nil:
				failures = append(failures, err.Error())
			case result.Status != primitive.SendOK:
				failures = append(failures, fmt.Sprintf("status %d", result.Status))
			default:
				stored = append(stored, sha256.Sum256(body))
			}
			mu.Unlock()
		}
	}()
	stop := sync.OnceFunc(func() { close(done); <-stopped })
	t.Cleanup(stop)
	return &restartClient{
		name: "go",
		sent: func() ([]harness.Checksum, []string, error) {
			mu.Lock()
			defer mu.Unlock()
			return append([]harness.Checksum(nil), stored...), append([]string(nil), failures...), nil
		},
		received: func() (map[harness.Checksum]int, error) {
			times := make(map[harness.Checksum]int)
			for _, m := range in.All() {
				times[sha256.Sum256(m.Body)]++
			}
			return times, nil
		},
		stop: func() error { stop(); return nil },
	}
}

// watchGaps notes the longest time in which a restartClient received nothing, as exactly as it looks: each 100 ms and
// longer on a busy machine.
func watchGaps(t *testing.T, all []*restartClient) (end func()) {
	done := make(chan struct{})
	var watchers sync.WaitGroup
	for _, who := range all {
		watchers.Go(func() {
			last, since := 0, time.Now()
			for {
				select {
				case <-done:
					return
				case <-time.After(100 * time.Millisecond):
				}
				received, err := who.received()
				if err != nil {
					t.Errorf("cannot watch %s: %v", who.name, err)
					return
				}
				who.gap = max(who.gap, time.Since(since))
				if len(received) > last {
					last, since = len(received), time.Now()
				}
			}
		})
	}
	stop := sync.OnceFunc(func() { close(done); watchers.Wait() })
	t.Cleanup(stop)
	return stop
}

// awaitMore waits until a restartClient has sent and received that many messages more.
func awaitMore(t *testing.T, who *restartClient, more int) {
	t.Helper()
	before, _, err := who.sent()
	require.NoError(t, err)
	had, err := who.received()
	require.NoError(t, err)
	harness.Await(t, func() error {
		sent, failures, err := who.sent()
		if err != nil {
			return err
		}
		received, err := who.received()
		if err == nil && (len(sent) < len(before)+more || len(received) < len(had)+more) {
			err = fmt.Errorf("%s has sent %d and received %d messages of %d; failures: %v", who.name, len(sent)-len(before), len(received)-len(had), more, failures)
		}
		return err
	})
}

// awaitAll waits until everything that was stored has been received.
func awaitAll(t *testing.T, who *restartClient) {
	t.Helper()
	stored, _, err := who.sent()
	require.NoError(t, err)
	harness.Await(t, func() error {
		received, err := who.received()
		if err != nil {
			return err
		}
		missing := maps.Clone(received)
		n := 0
		for _, sum := range stored {
			if missing[sum] == 0 {
				n++
			}
		}
		if n > 0 {
			return fmt.Errorf("%d of %d messages have not come to %s", n, len(stored), who.name)
		}
		return nil
	})
}
