//go:build linux

package rocketmq

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/jvm"
)

// Version is RocketMQ's.
const Version = "5.5.0"

// pom names RocketMQ's programs.
//
//go:embed rocketmq-5.5.0.xml
var pom []byte

// Cluster is a name server and a broker that run.
type Cluster struct {
	NameServer string
	Broker     string
	Jars       string // the class path of RocketMQ's programs

	dir      string
	programs []*process.Running
}

// Start starts a name server and a broker on which every scenario finds what it needs: the topic, and the one message
// of the queue that is pulled from. Their files go to dir.
func Start(dir string) (*Cluster, error) {
	if _, err := exec.LookPath("java"); err != nil {
		return nil, fmt.Errorf("cannot find java, which RocketMQ and Apache's proxy run on (Debian: apt install openjdk-17-jre-headless maven): %w", err)
	}
	jars, err := jvm.Jars("bench-"+Version, pom)
	if err != nil {
		return nil, err
	}
	b := &Cluster{Jars: jars, dir: dir}
	if err := b.start(); err != nil {
		b.Stop()
		return nil, err
	}
	return b, nil
}

func (b *Cluster) start() (err error) {
	if err := b.startNameServer(); err != nil {
		return err
	}
	if b.Broker, err = b.startBroker(); err != nil {
		return err
	}
	if _, err = wire.Call(b.Broker, nil, load.PulledMessage()); err != nil {
		return fmt.Errorf("cannot store what is to be pulled: %w", err)
	}
	return nil
}

// Stop ends both.
func (b *Cluster) Stop() {
	for _, p := range slices.Backward(b.programs) {
		p.Stop()
	}
}

// Processes are those of both.
func (b *Cluster) Processes() (g process.Group) {
	for _, p := range b.programs {
		g = append(g, p.PID)
	}
	return g
}

func (b *Cluster) startNameServer() error {
	port, err := freeport.Range(1)
	if err != nil {
		return err
	}
	b.NameServer = freeport.Loopback(port)
	conf := fmt.Sprintf("listenPort=%d\nbindAddress=127.0.0.1\n", port)
	r, err := b.launchJava("namesrv", conf, "org.apache.rocketmq.namesrv.NamesrvStartup", "-Xmx256m")
	if err != nil {
		return err
	}
	return r.Await(func() error {
		answer, err := wire.Call(b.NameServer, nil, wire.Request(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": wire.Topic}, 0))
		if answer != nil {
			return nil // that it does not know the topic is an answer, too
		}
		return err
	})
}

// startBroker returns the address of a broker that has the topic and whose name server knows it.
func (b *Cluster) startBroker() (address string, err error) {
	// Four neighbors: the VIP port (listenPort - 2), an unused one, listenPort, and the one for slaves.
	first, err := freeport.Range(4)
	if err != nil {
		return "", err
	}
	port := first + 2
	conf := brokerConf(filepath.Join(b.dir, "store"), b.NameServer, port)
	r, err := b.launchJava("broker", conf, "org.apache.rocketmq.broker.BrokerStartup", "-Xmx2g")
	if err != nil {
		return "", err
	}
	address = freeport.Loopback(port)
	create := map[string]string{
		"topic": wire.Topic, "defaultTopic": "TBW102", "readQueueNums": "8", "writeQueueNums": "8",
		"perm": "6", "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
	}
	if err := r.Await(func() error {
		_, err := wire.Call(address, nil, wire.Request(codec.ReqUpdateAndCreateTopic, create, 0))
		return err
	}); err != nil {
		return "", err
	}
	return address, r.Await(func() error {
		_, err := wire.AskRoute(b.NameServer, nil)
		return err
	})
}

// launchJava starts a program of RocketMQ's that lives as long as the bench.
func (b *Cluster) launchJava(name, conf, mainClass string, options ...string) (*process.Running, error) {
	home, err := os.MkdirTemp(b.dir, name)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(home, name+".conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	argv := jvm.Command(options, home, b.Jars, mainClass, "-c", file)
	r, err := process.Launch(name, exec.Command(argv[0], argv[1:]...), syscall.SIGKILL)
	if err == nil {
		b.programs = append(b.programs, r)
	}
	return r, err
}

// brokerConf has a broker refuse nothing for being slow; the rest are its defaults.
func brokerConf(store, nameServer string, port int) string {
	return fmt.Sprintf(`brokerClusterName=DefaultCluster
brokerName=%s
brokerId=0
brokerIP1=127.0.0.1
listenPort=%d
haListenPort=%d
namesrvAddr=%s
storePathRootDir=%s
storePathCommitLog=%[5]s/commitlog
mappedFileSizeCommitLog=268435456
flushDiskType=ASYNC_FLUSH
diskMaxUsedSpaceRatio=99
waitTimeMillsInSendQueue=10000
osPageCacheBusyTimeOutMills=10000
`, wire.BrokerName, port, port+1, nameServer, store)
}

// JavaVersion is what `java -version` begins with, as openjdk version "17.0.15" 2025-04-15.
func JavaVersion() string {
	out, err := exec.Command("java", "-version").CombinedOutput()
	if err != nil {
		return "an unknown Java"
	}
	return javaName(string(out))
}

func javaName(out string) string {
	_, rest, _ := strings.Cut(out, `"`)
	version, _, quoted := strings.Cut(rest, `"`)
	if !quoted {
		return "an unknown Java"
	}
	return "Java " + version
}
