//go:build linux

package main

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/jvm"
)

const rocketMQVersion = "5.5.0"

// pom names RocketMQ's programs.
//
//go:embed rocketmq-5.5.0.xml
var pom []byte

// startRocketMQ starts a name server and a broker that every scenario finds what it needs on: the topic, and the one
// message of the queue that is pulled from.
func (b *bench) startRocketMQ() (err error) {
	if _, err := exec.LookPath("java"); err != nil {
		return fmt.Errorf("cannot find java, which RocketMQ and Apache's proxy run on (Debian: apt install openjdk-17-jre-headless maven): %w", err)
	}
	if b.jars, err = jvm.Jars("bench-"+rocketMQVersion, pom); err != nil {
		return err
	}
	if err := b.startNameServer(); err != nil {
		return err
	}
	broker, err := b.startBroker()
	if err != nil {
		return err
	}
	if _, err = call(broker, request(codec.ReqSendMessageV2, pulledMessage(), pulledSize)); err != nil {
		return fmt.Errorf("cannot store what is to be pulled: %w", err)
	}
	return nil
}

func (b *bench) startNameServer() error {
	port, err := freeport.Range(1)
	if err != nil {
		return err
	}
	b.nameServer = freeport.Loopback(port)
	conf := fmt.Sprintf("listenPort=%d\nbindAddress=127.0.0.1\n", port)
	r, err := b.launchJava("namesrv", conf, "org.apache.rocketmq.namesrv.NamesrvStartup", "-Xmx256m")
	if err != nil {
		return err
	}
	return r.await(func() error {
		answer, err := call(b.nameServer, request(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": topic}, 0))
		if answer != nil {
			return nil // that it does not know the topic is an answer, too
		}
		return err
	})
}

// startBroker returns the address of a broker that has the topic and whose name server knows it.
func (b *bench) startBroker() (address string, err error) {
	// Four neighbors: the VIP port (listenPort - 2), an unused one, listenPort, and the one for slaves.
	first, err := freeport.Range(4)
	if err != nil {
		return "", err
	}
	port := first + 2
	conf := brokerConf(filepath.Join(b.dir, "store"), b.nameServer, port)
	r, err := b.launchJava("broker", conf, "org.apache.rocketmq.broker.BrokerStartup", "-Xmx2g")
	if err != nil {
		return "", err
	}
	address = freeport.Loopback(port)
	create := map[string]string{
		"topic": topic, "defaultTopic": "TBW102", "readQueueNums": "8", "writeQueueNums": "8",
		"perm": "6", "topicFilterType": "SINGLE_TAG", "topicSysFlag": "0", "order": "false",
	}
	if err := r.await(func() error {
		_, err := call(address, request(codec.ReqUpdateAndCreateTopic, create, 0))
		return err
	}); err != nil {
		return "", err
	}
	return address, r.await(func() error {
		_, err := askRoute(b.nameServer)
		return err
	})
}

// launchJava starts a program of RocketMQ's that lives as long as the bench.
func (b *bench) launchJava(name, conf, mainClass string, options ...string) (*running, error) {
	home, err := os.MkdirTemp(b.dir, name)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(home, name+".conf")
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		return nil, err
	}
	argv := jvm.Command(options, home, b.jars, mainClass, "-c", file)
	r, err := launch(name, exec.Command(argv[0], argv[1:]...))
	if err == nil {
		b.stops = append(b.stops, r.stop)
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
`, brokerName, port, port+1, nameServer, store)
}

// pulledSize is the body of the one message of queue 0, which is what the scenario pull asks for.
const pulledSize = 100 << 10

func pulledMessage() map[string]string {
	fields := sendFields(shortSend)
	fields["e"] = "0" // queueId
	return fields
}

// javaVersion is what `java -version` begins with, as openjdk version "17.0.15" 2025-04-15.
func javaVersion() string {
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
