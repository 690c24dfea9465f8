package harness

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
	TopicsOn   map[string]string // TopicBrokers, if those are not all Brokers
	Version    string            // of the RocketMQ behind it, or EmbeddedVersion

	Cluster *Cluster // nil unless the brokers are real ones
	Proxy   *Proxy   // nil for a direct target
}

// EmbeddedVersion is the version of targets whose brokers are embedded ones.
const EmbeddedVersion = "embedded"

// targetSpec is a target that is started when the first test asks for it, and then shared by all.
type targetSpec struct {
	name    string
	version string
	direct  bool
	dev     bool // `rocketmq-proxy dev`, which brings a broker of its own

	once   sync.Once
	target *Target
	err    error
}

// Every story runs against these four. The direct ones take their place when ROCKETMQ_DIRECT=1: a story that
// fails there says nothing about the proxy.
var (
	throughProxy = []*targetSpec{
		{name: "dev", version: EmbeddedVersion, dev: true},
		{name: "proxy-embedded", version: EmbeddedVersion},
		{name: "proxy-5.5.0", version: "5.5.0"},
		{name: "proxy-4.9.7", version: "4.9.7"},
	}
	direct = []*targetSpec{
		{name: "direct-embedded", version: EmbeddedVersion, direct: true},
		{name: "direct-5.5.0", version: "5.5.0", direct: true},
		{name: "direct-4.9.7", version: "4.9.7", direct: true},
	}
)

// brokersOf is the number of brokers in the shared cluster of a version: 5.5.0 shows what a topic on several
// brokers needs, 4.9.7 what a single one does.
var brokersOf = map[string]int{EmbeddedVersion: 2, "5.5.0": 2, "4.9.7": 1}

func targetSpecs() []*targetSpec {
	if os.Getenv("ROCKETMQ_DIRECT") == "1" {
		return direct
	}
	return throughProxy
}

// EachTarget runs a test against every target, all at the same time.
func EachTarget(t *testing.T, test func(t *testing.T, target *Target)) {
	EachTargetOf(t, []string{EmbeddedVersion, "5.5.0", "4.9.7"}, test)
}

// EachTargetOf leaves out the targets of other versions. It is no skip: with ROCKETMQ_REAL=1 nothing may be skipped.
func EachTargetOf(t *testing.T, versions []string, test func(t *testing.T, target *Target)) {
	for _, spec := range targetSpecs() {
		if !slices.Contains(versions, spec.version) {
			continue
		}
		t.Run(spec.name, func(t *testing.T) {
			t.Parallel()
			t.Cleanup(func() { RequireNoBypass(t) })
			test(t, spec.start(t))
		})
	}
}

// start returns the target, starting it if this is the first test that wants it.
func (s *targetSpec) start(t *testing.T) *Target {
	t.Helper()
	if s.version != EmbeddedVersion {
		RequireReal(t)
	}
	s.once.Do(func() { s.target, s.err = s.launch() })
	if s.err != nil {
		t.Fatal(s.err)
	}
	return s.target
}

func (s *targetSpec) launch() (*Target, error) {
	dir, err := RunSubdir(s.name)
	if err != nil {
		return nil, err
	}
	target := &Target{Name: s.name, Version: s.version}
	want := brokersOf[s.version]
	if s.dev {
		want = 1
		if target.Proxy, err = devProxy(dir); err == nil {
			err = guardEmbedded(target.Proxy)
		}
	} else if target.NameServer, err = s.launchCluster(target); err == nil && !s.direct {
		target.Proxy, err = serveProxy(dir, ProxyConfig{NameServer: target.NameServer})
	}
	if err != nil {
		return nil, err
	}
	if target.Proxy != nil {
		atEnd(target.Proxy.Stop)
		target.NameServer = target.Proxy.Listen
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	target.Brokers, err = Masters(ctx, target.NameServer)
	if err != nil {
		return nil, err
	}
	if len(target.Brokers) < want {
		return nil, fmt.Errorf("%s lists the brokers %v; want %d", s.name, target.Brokers, want)
	}
	return target, nil
}

// launchCluster starts the brokers of a target and returns the address of their name server.
func (s *targetSpec) launchCluster(target *Target) (nameServer string, err error) {
	if s.version == EmbeddedVersion {
		return embeddedNameServer()
	}
	if target.Cluster, err = sharedCluster(s.version); err != nil {
		return "", err
	}
	return target.Cluster.NameServer, nil
}

// DirectTarget returns the shared cluster of a version without a proxy, for tests that bring one of their own.
func DirectTarget(t *testing.T, version string) *Target {
	t.Helper()
	for _, spec := range direct {
		if spec.version == version {
			return spec.start(t)
		}
	}
	t.Fatalf("there is no shared cluster of RocketMQ %s", version)
	return nil
}

// OwnProxy starts a proxy for one test, has it end cleanly when the test does, and asks it for its brokers.
func OwnProxy(t *testing.T, config ProxyConfig) *Target {
	t.Helper()
	target := ConfiguredProxy(t, config)
	var err error
	if target.Brokers, err = Masters(t.Context(), target.NameServer); err != nil {
		t.Fatal(err)
	}
	return target
}

// ConfiguredProxy starts a proxy for one test, as OwnProxy does, and asks it nothing.
func ConfiguredProxy(t *testing.T, config ProxyConfig) *Target {
	t.Helper()
	dir, err := RunSubdir(Unique(t, "proxy"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := serveProxy(dir, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.stopped {
			return
		}
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { RequireNoBypass(t) })
	return &Target{Name: "proxy of " + t.Name(), NameServer: p.Listen, Proxy: p}
}

var sharedClusters sync.Map // version -> func() (*Cluster, error)

// sharedCluster starts the cluster of a version for the first that asks; it lives as long as the test process.
func sharedCluster(version string) (*Cluster, error) {
	start, _ := sharedClusters.LoadOrStore(version, sync.OnceValues(func() (*Cluster, error) {
		dir, err := RunSubdir("rocketmq-" + version)
		if err != nil {
			return nil, err
		}
		c, err := startCluster(dir, version, brokersOf[version], nil)
		if c != nil {
			atEnd(func() error { c.stop(); return nil })
		}
		return c, err
	}))
	return start.(func() (*Cluster, error))()
}

// Direct returns the address of the real name server behind a target, to compare with.
func (target *Target) Direct() string { return target.Cluster.NameServer }

// Topic creates a topic with that many queues on each broker, for this test alone.
func (target *Target) Topic(t *testing.T, queuesPerBroker int) string {
	t.Helper()
	return target.topicOn(t, target.TopicBrokers(), queuesPerBroker)
}

// TopicBrokers are the brokers that Topic creates topics on, and where.
func (target *Target) TopicBrokers() map[string]string {
	if target.TopicsOn != nil {
		return target.TopicsOn
	}
	return target.Brokers
}

// TopicOnOneBroker creates a topic with that many queues on one of the brokers.
func (target *Target) TopicOnOneBroker(t *testing.T, queues int) string {
	t.Helper()
	return target.topicOn(t, map[string]string{"broker-a": target.TopicBrokers()["broker-a"]}, queues)
}

func (target *Target) topicOn(t *testing.T, brokers map[string]string, queues int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	topic := Unique(t, "topic")
	if err := CreateTopic(ctx, target.NameServer, brokers, topic, queues); err != nil {
		t.Fatal(err)
	}
	return topic
}

var (
	// RunID tells the names of this run from those of others.
	RunID       = fmt.Sprintf("%x", time.Now().UnixNano()&0xFFFFFFFF)
	uniqueNames atomic.Int64
)

// Unique returns a name for a topic, group or client that no other test has, also not of another run.
func Unique(t *testing.T, what string) string {
	name := t.Name()[strings.LastIndex(t.Name(), "/")+1:]
	name = strings.ReplaceAll(name, ".", "") // topics may not have a dot
	return fmt.Sprintf("it-%s-%s-%s-%d", RunID, name, what, uniqueNames.Add(1))
}

// RequireReal skips a test that needs Java and a real RocketMQ unless those are asked for, so that `go test ./...`
// needs nothing but Go. When they are asked for, their absence is a failure.
func RequireReal(t *testing.T) {
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

// RunSubdir makes a directory for one test or process of this run; it is kept when the run fails.
func RunSubdir(name string) (string, error) {
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
