package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Target is what a story runs against: something that clients take for a name server and its brokers.
type Target struct {
	Name       string
	NameServer string            // what clients are told
	Brokers    map[string]string // master addresses by broker name, as clients see them
	Version    string            // of the RocketMQ behind it, or embeddedVersion

	cluster *Cluster // nil for the embedded broker
	proxy   *proxy   // nil for a direct target
}

// embeddedVersion is the version of targets whose broker is the proxy's own.
const embeddedVersion = "embedded"

// targetSpec is a target that is started when the first test asks for it, and then shared by all.
type targetSpec struct {
	name    string
	version string
	direct  bool

	once   sync.Once
	target *Target
	err    error
}

// Every story runs against these three. The direct ones take their place when ROCKETMQ_DIRECT=1: a story that
// fails there says nothing about the proxy.
var (
	throughProxy = []*targetSpec{{name: "embedded", version: embeddedVersion}, {name: "proxy-5.5.0", version: "5.5.0"}, {name: "proxy-4.9.7", version: "4.9.7"}}
	direct       = []*targetSpec{{name: "direct-5.5.0", version: "5.5.0", direct: true}, {name: "direct-4.9.7", version: "4.9.7", direct: true}}
)

// brokersOf is the number of brokers in the shared cluster of a version: 5.5.0 shows what a topic on several
// brokers needs, 4.9.7 what a single one does.
var brokersOf = map[string]int{"5.5.0": 2, "4.9.7": 1}

func targetSpecs() []*targetSpec {
	if os.Getenv("ROCKETMQ_DIRECT") == "1" {
		return direct
	}
	return throughProxy
}

// eachTarget runs a test against every target, all at the same time.
func eachTarget(t *testing.T, test func(t *testing.T, target *Target)) {
	eachTargetOf(t, []string{embeddedVersion, "5.5.0", "4.9.7"}, test)
}

// eachTargetOf leaves out the targets of other versions. It is no skip: with ROCKETMQ_REAL=1 nothing may be skipped.
func eachTargetOf(t *testing.T, versions []string, test func(t *testing.T, target *Target)) {
	for _, spec := range targetSpecs() {
		if !slices.Contains(versions, spec.version) {
			continue
		}
		t.Run(spec.name, func(t *testing.T) {
			t.Parallel()
			test(t, spec.start(t))
		})
	}
}

// start returns the target, starting it if this is the first test that wants it.
func (s *targetSpec) start(t *testing.T) *Target {
	t.Helper()
	if s.version != embeddedVersion {
		requireReal(t)
	}
	s.once.Do(func() { s.target, s.err = s.launch() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.target
}

func (s *targetSpec) launch() (*Target, error) {
	dir, err := runSubdir(s.name)
	if err != nil {
		return nil, err
	}
	target := &Target{Name: s.name, Version: s.version}
	switch {
	case s.version == embeddedVersion:
		target.proxy, err = devProxy(dir)
	case s.direct:
		target.cluster, err = sharedCluster(s.version)
	default:
		if target.cluster, err = sharedCluster(s.version); err == nil {
			target.proxy, err = serveProxy(dir, proxyConfig{nameServer: target.cluster.NameServer})
		}
	}
	if err != nil {
		return nil, err
	}
	if target.proxy != nil {
		atEnd(target.proxy.stop)
		target.NameServer = target.proxy.listen
	} else {
		target.NameServer = target.cluster.NameServer
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	target.Brokers, err = masters(ctx, target.NameServer)
	if err != nil {
		return nil, err
	}
	if want := brokersOf[s.version]; len(target.Brokers) < max(want, 1) {
		return nil, fmt.Errorf("%s lists the brokers %v; want %d", s.name, target.Brokers, want)
	}
	return target, nil
}

// directTarget returns the shared cluster of a version without a proxy, for tests that bring one of their own.
func directTarget(t *testing.T, version string) *Target {
	t.Helper()
	for _, spec := range direct {
		if spec.version == version {
			return spec.start(t)
		}
	}
	t.Fatalf("there is no shared cluster of RocketMQ %s", version)
	return nil
}

// ownProxy starts a proxy for one test in front of a name server, and has it end cleanly when the test does.
func ownProxy(t *testing.T, nameServer, metrics string) *Target {
	t.Helper()
	target := configuredProxy(t, proxyConfig{nameServer: nameServer, metrics: metrics})
	var err error
	if target.Brokers, err = masters(t.Context(), target.NameServer); err != nil {
		t.Fatal(err)
	}
	return target
}

// configuredProxy starts a proxy for one test, as ownProxy does, and asks it nothing.
func configuredProxy(t *testing.T, config proxyConfig) *Target {
	t.Helper()
	dir, err := runSubdir(unique(t, "proxy"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := serveProxy(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return &Target{Name: "proxy of " + t.Name(), NameServer: p.listen, proxy: p}
}

var sharedClusters sync.Map // version -> func() (*Cluster, error)

// sharedCluster starts the cluster of a version for the first that asks; it lives as long as the test process.
func sharedCluster(version string) (*Cluster, error) {
	start, _ := sharedClusters.LoadOrStore(version, sync.OnceValues(func() (*Cluster, error) {
		dir, err := runSubdir("rocketmq-" + version)
		if err != nil {
			return nil, err
		}
		c, err := startCluster(dir, version, brokersOf[version])
		if c != nil {
			atEnd(func() error { c.stop(); return nil })
		}
		return c, err
	}))
	return start.(func() (*Cluster, error))()
}

// Direct returns the address of the real name server behind a target, to compare with.
func (target *Target) Direct() string { return target.cluster.NameServer }

// Topic creates a topic with that many queues on each broker, for this test alone.
func (target *Target) Topic(t *testing.T, queuesPerBroker int) string {
	t.Helper()
	return target.topicOn(t, target.Brokers, queuesPerBroker)
}

// TopicOnOneBroker creates a topic with that many queues on one of the brokers.
func (target *Target) TopicOnOneBroker(t *testing.T, queues int) string {
	t.Helper()
	return target.topicOn(t, map[string]string{"broker-a": target.Brokers["broker-a"]}, queues)
}

func (target *Target) topicOn(t *testing.T, brokers map[string]string, queues int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	topic := unique(t, "topic")
	if err := createTopic(ctx, target.NameServer, brokers, topic, queues); err != nil {
		t.Fatal(err)
	}
	return topic
}

var (
	runID       = fmt.Sprintf("%x", time.Now().UnixNano()&0xFFFFFFFF)
	uniqueNames atomic.Int64
)

// unique returns a name for a topic, group or client that no other test has, also not of another run.
func unique(t *testing.T, what string) string {
	name := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
	name = strings.ReplaceAll(name, ".", "") // topics may not have a dot
	return fmt.Sprintf("it-%s-%s-%s-%d", runID, name, what, uniqueNames.Add(1))
}

// requireReal skips a test that needs Java and a real RocketMQ unless those are asked for, so that `go test ./...`
// needs nothing but Go. When they are asked for, their absence is a failure.
func requireReal(t *testing.T) {
	t.Helper()
	if os.Getenv("ROCKETMQ_REAL") != "1" && os.Getenv("ROCKETMQ_DIRECT") != "1" {
		t.Skip("needs Java and real RocketMQ: set ROCKETMQ_REAL=1")
	}
	for _, tool := range []string{"java", "javac", "mvn"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("ROCKETMQ_REAL=1, but there is no %s: %v", tool, err)
		}
	}
}

// runDir is where this test process keeps the logs and stores of what it starts.
var runDir = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "rocketmq-proxy-it-")
	if err != nil {
		return "", fmt.Errorf("cannot make a directory for this run: %w", err)
	}
	return dir, nil
})

func runSubdir(name string) (string, error) {
	dir, err := runDir()
	if err != nil {
		return "", err
	}
	sub := filepath.Join(dir, name)
	if err := os.MkdirAll(sub, 0o755); err != nil {
		return "", fmt.Errorf("cannot make a directory for %s: %w", name, err)
	}
	return sub, nil
}
