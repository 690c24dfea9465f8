package harness

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
)

// Cluster is a real RocketMQ of some version on 127.0.0.1: one name server and some masters, each a Java process.
type Cluster struct {
	Version    string
	NameServer string // host:port

	dir        string
	classPath  string
	jvmOptions []string // of brokers
	nameServer *Process
	brokers    map[string]*clusterBroker // by broker name: broker-a, broker-b, …
}

type clusterBroker struct {
	address string
	home    string
	conf    string
	process *Process
}

// StartCluster starts a cluster of this test's own; most tests share one (see Target). It is killed when the test
// ends, and its logs are kept if the test failed.
func StartCluster(t *testing.T, version string, brokers int) *Cluster {
	t.Helper()
	return StartClusterWith(t, version, brokers, nil)
}

// StartClusterWith is StartCluster with brokers that configure has had a hand in: it is given the home and the
// configuration file of each before that broker starts. jvmOptions are the brokers' own.
func StartClusterWith(t *testing.T, version string, brokers int, configure func(home, conf string) error, jvmOptions ...string) *Cluster {
	t.Helper()
	RequireReal(t)
	dir, err := os.MkdirTemp("", "rocketmq-"+version+"-")
	if err != nil {
		t.Fatal(err)
	}
	c, err := startCluster(dir, version, brokers, configure, jvmOptions...)
	t.Cleanup(func() {
		if c != nil {
			c.stop()
		}
		if t.Failed() {
			t.Logf("the logs of RocketMQ %s are in %s", version, dir)
			return
		}
		os.RemoveAll(dir)
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// startCluster returns once the name server lists every broker. After an error, stop still has to be called if
// the cluster is not nil.
func startCluster(dir, version string, brokers int, configure func(home, conf string) error, jvmOptions ...string) (*Cluster, error) {
	classPath, err := jars("server-" + version)
	if err != nil {
		return nil, err
	}
	c := &Cluster{Version: version, dir: dir, classPath: classPath, jvmOptions: jvmOptions, brokers: make(map[string]*clusterBroker)}
	if err := c.startNameServer(); err != nil {
		return c, err
	}
	for i := range brokers {
		name := "broker-" + string(rune('a'+i))
		if err := c.configureBroker(name); err != nil {
			return c, err
		}
		if configure != nil {
			if err := configure(c.brokers[name].home, c.brokers[name].conf); err != nil {
				return c, fmt.Errorf("cannot configure %s: %w", name, err)
			}
		}
		if err := c.launchBroker(name); err != nil {
			return c, err
		}
	}
	for name := range c.brokers {
		if err := c.awaitBroker(name); err != nil {
			return c, err
		}
	}
	ports, err := c.ports()
	if err != nil {
		return c, err
	}
	bypasses.guard(ports)
	return c, nil
}

func (c *Cluster) startNameServer() error {
	port, err := freeport.Range(1)
	if err != nil {
		return err
	}
	c.NameServer = freeport.Loopback(port)
	home, err := c.makeHome("namesrv")
	if err != nil {
		return err
	}
	if err := os.WriteFile(nameServerConf(home), fmt.Appendf(nil, "listenPort=%d\nbindAddress=127.0.0.1\n", port), 0o644); err != nil {
		return fmt.Errorf("cannot configure the name server: %w", err)
	}
	return c.launchNameServer()
}

func nameServerConf(home string) string { return filepath.Join(home, "ns.properties") }

// launchNameServer starts the name server and returns once it answers.
func (c *Cluster) launchNameServer() (err error) {
	home := filepath.Join(c.dir, "namesrv")
	c.nameServer, err = StartProcess("name server "+c.Version, filepath.Join(home, "stdout"), JavaCommand(home, "256m",
		c.classPath, "org.apache.rocketmq.namesrv.NamesrvStartup", "-c", nameServerConf(home))...)
	if err != nil {
		return err
	}
	return c.nameServer.Await("answering", Patience, func(ctx context.Context) error {
		_, err := Masters(ctx, c.NameServer)
		return err
	})
}

func (c *Cluster) configureBroker(name string) error {
	// Four neighbors: the VIP port (listenPort - 2), an unused one, listenPort, and the one for slaves.
	first, err := freeport.Range(4)
	if err != nil {
		return err
	}
	home, err := c.makeHome(name)
	if err != nil {
		return err
	}
	b := &clusterBroker{address: freeport.Loopback(first + 2), home: home, conf: filepath.Join(home, "broker.conf")}
	lines := []string{
		"brokerClusterName=DefaultCluster",
		"brokerName=" + name,
		"brokerId=0",
		"brokerIP1=127.0.0.1",
		fmt.Sprintf("listenPort=%d", first+2),
		fmt.Sprintf("haListenPort=%d", first+3),
		"namesrvAddr=" + c.NameServer,
		"storePathRootDir=" + filepath.Join(home, "store"),
		"storePathCommitLog=" + filepath.Join(home, "store", "commitlog"),
		"mappedFileSizeCommitLog=67108864",
		"enablePropertyFilter=true", // SQL filters
		"diskMaxUsedSpaceRatio=99",
		// A busy machine must not make a broker refuse sends: with its defaults it answers code 2 after 200 ms.
		"waitTimeMillsInSendQueue=10000",
		"osPageCacheBusyTimeOutMills=10000",
		"registerNameServerPeriod=10000", // the shortest: a name server that starts again knows nothing for so long
		"transactionCheckInterval=3000",
		"transactionTimeOut=12000", // far more than ending one takes on a busy machine: what is open for longer is checked
	}
	if strings.HasPrefix(c.Version, "5.") {
		// transactionTimeOut has to be longer than the batch interval (default 3 s), else 5.5.0 checks transactions
		// that have ended and delivers them twice (VERIFIED.md 10b.10).
		lines = append(lines, "transactionOpBatchInterval=500", "recallMessageEnable=true")
	}
	if err := os.WriteFile(b.conf, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot configure %s: %w", name, err)
	}
	c.brokers[name] = b
	return nil
}

func (c *Cluster) launchBroker(name string) (err error) {
	b := c.brokers[name]
	java := JavaCommand(b.home, "512m", c.classPath, "org.apache.rocketmq.broker.BrokerStartup", "-c", b.conf)
	java = slices.Insert(java, 1, c.jvmOptions...)
	b.process, err = StartProcess(name+" "+c.Version, filepath.Join(b.home, "stdout"), java...)
	return err
}

func (c *Cluster) awaitBroker(name string) error {
	b := c.brokers[name]
	return b.process.Await("registered", Patience, func(ctx context.Context) error {
		found, err := Masters(ctx, c.NameServer)
		if err != nil {
			return err
		}
		if found[name] != b.address {
			return fmt.Errorf("the name server at %s lists %v", c.NameServer, found)
		}
		// A broker that is killed stays listed for minutes, so ask it as well: GET_BROKER_CONFIG.
		if _, err := Call(ctx, b.address, 26, nil); err != nil {
			return err
		}
		// A broker makes this topic with its first look for transactions to check (transactionCheckInterval after its
		// start). Before that, 4.9.7 throws away the half messages of all transactions when *any* topic is deleted:
		// AdminBrokerProcessor.deleteTopic cleans every queue whose topic has no configuration.
		const halfTopic = "RMQ_SYS_TRANS_HALF_TOPIC"
		route, err := RouteOf(ctx, c.NameServer, halfTopic)
		if err == nil && route[name] == "" {
			err = fmt.Errorf("the broker has not made %s yet", halfTopic)
		}
		return err
	})
}

func (c *Cluster) makeHome(name string) (string, error) {
	home := filepath.Join(c.dir, name)
	return home, prepareHome(home)
}

// Broker returns the process of a broker; after a restart it is another one.
func (c *Cluster) Broker(name string) *Process { return c.brokers[name].process }

// NameServerProcess returns the process of the name server; after a restart it is another one.
func (c *Cluster) NameServerProcess() *Process { return c.nameServer }

// BrokerNames returns the names of the brokers in order.
func (c *Cluster) BrokerNames() []string { return slices.Sorted(maps.Keys(c.brokers)) }

// Open lets clients in the process of the tests connect to the cluster itself, for comparison; without it they fail their
// test.
func (c *Cluster) Open(t *testing.T) {
	t.Helper()
	ports, err := c.ports()
	if err != nil {
		t.Fatal(err)
	}
	bypasses.open(ports)
}

// ports returns what listens where in this cluster, also the VIP ports of its brokers.
func (c *Cluster) ports() (map[int]string, error) {
	ports := make(map[int]string)
	port, err := portOf(c.NameServer)
	if err != nil {
		return nil, err
	}
	ports[port] = "the name server of " + c.Version
	for name, b := range c.brokers {
		port, err := portOf(b.address)
		if err != nil {
			return nil, err
		}
		ports[port] = name + " of " + c.Version
		ports[port-2] = name + " of " + c.Version + " (VIP)"
	}
	return ports, nil
}

// KillBroker ends a broker as a crash would (SIGKILL). What it has stored stays.
func (c *Cluster) KillBroker(name string) { c.brokers[name].process.Kill() }

// KillNameServer ends the name server as a crash would. What it has learned is gone.
func (c *Cluster) KillNameServer() { c.nameServer.Kill() }

// RestartNameServer starts the killed name server again, on the same port. It knows nothing until brokers register.
func (c *Cluster) RestartNameServer() error { return c.launchNameServer() }

// RestartBroker starts a killed broker again, on the same ports and store, and waits until it is back.
func (c *Cluster) RestartBroker(name string) error {
	if err := c.launchBroker(name); err != nil {
		return err
	}
	return c.awaitBroker(name)
}

func (c *Cluster) stop() {
	for _, b := range c.brokers {
		if b.process != nil {
			b.process.Kill()
		}
	}
	if c.nameServer != nil {
		c.nameServer.Kill()
	}
}
