//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

func TestApacheConfig(t *testing.T) {
	text, err := apacheConfig("127.0.0.1:4711", "127.0.0.1:4712", "127.0.0.1:9876")
	require.NoError(t, err)
	require.JSONEq(t, `{"proxyMode": "CLUSTER", "rocketMQClusterName": "DefaultCluster", "namesrvAddr": "127.0.0.1:9876",
		"localServeAddr": "127.0.0.1", "remotingAccessAddr": "127.0.0.1", "remotingListenPort": 4711, "grpcServerPort": 4712}`, string(text))
	_, err = apacheConfig("127.0.0.1:http", "127.0.0.1:4712", "127.0.0.1:9876")
	require.Error(t, err)
}

// What the load generator dials is what the configuration says, and the home is where nothing of ours is kept.
func TestApacheCommand(t *testing.T) {
	dir := t.TempDir()
	b := &bench{front: "127.0.0.1:4711", second: "127.0.0.1:4712", nameServer: "127.0.0.1:9876", jars: "/jars/*"}
	cmd, err := apache(b, dir)
	require.NoError(t, err)
	file := filepath.Join(dir, "rmq-proxy.json")
	require.Equal(t, []string{"-cp", "/jars/*", "org.apache.rocketmq.proxy.ProxyStartup", "-pc", file}, cmd.Args[len(cmd.Args)-5:])
	require.Subset(t, cmd.Args, []string{"-Xmx4g", "-Drocketmq.home.dir=" + dir, "-Duser.home=" + dir})
	require.Subset(t, cmd.Env, []string{"ROCKETMQ_HOME=" + dir, "RMQ_PROXY_HOME=" + dir})
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var config struct{ RemotingListenPort int }
	require.NoError(t, json.Unmarshal(text, &config))
	require.Equal(t, 4711, config.RemotingListenPort)
}

func TestBrokerConf(t *testing.T) {
	conf := strings.Split(brokerConf("/tmp/store", "127.0.0.1:9876", 10911), "\n")
	require.Subset(t, conf, []string{
		"brokerName=broker-a", "listenPort=10911", "haListenPort=10912", "namesrvAddr=127.0.0.1:9876",
		"storePathRootDir=/tmp/store", "storePathCommitLog=/tmp/store/commitlog",
	})
}

// Sends go to another queue than the one that is pulled from, or answers would be of many small messages.
func TestThePulledMessageIsAlone(t *testing.T) {
	first, _ := pull.templates(pulledSize)
	asks, _, err := codec.Decode(first.frame, codec.Limits{})
	require.NoError(t, err)
	require.Equal(t, asks.Ext["queueId"], pulledMessage()["e"])
	require.Equal(t, "0", asks.Ext["queueOffset"])
	require.NotEqual(t, asks.Ext["queueId"], sendFields(shortSend)["e"])
}

func TestJavaName(t *testing.T) {
	require.Equal(t, "Java 17.0.15", javaName("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment\n"))
	require.Equal(t, "an unknown Java", javaName("no"))
}

func TestWithoutJava(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := (&bench{}).startRocketMQ()
	require.ErrorContains(t, err, "cannot find java")
	require.ErrorContains(t, err, "apt install")
}

func TestFlagsOfApache(t *testing.T) {
	o, err := parse([]string{"-apache"})
	require.NoError(t, err)
	require.Equal(t, "bench/RESULTS-APACHE.md", o.out)
	list, err := chooseScenarios(o)
	require.NoError(t, err)
	require.NotEmpty(t, list)
	for _, s := range list {
		require.NotEqual(t, popAndAck, s.spec.Workload, "Apache's proxy cannot pop")
		if s.process {
			require.Nil(t, s.heat, s.name)
			continue
		}
		require.Equal(t, heatTime, s.heat.Measure, s.name)
		require.Equal(t, s.spec.Workload, s.heat.Workload, s.name)
	}
	who, err := chooseCandidates(o)
	require.NoError(t, err)
	require.Len(t, who, 3)
	o.candidates = "haproxy"
	_, err = chooseCandidates(o)
	require.ErrorContains(t, err, "there are direct, apache, ours", "HAProxy has no route to rewrite in front of a real broker")

	o, err = parse([]string{"-apache", "-out", "", "-candidates", "ours"})
	require.NoError(t, err)
	require.Empty(t, o.out, "printed only")
	require.Equal(t, "ours", o.candidates)
	o, err = parse(nil)
	require.NoError(t, err)
	require.Equal(t, "bench/RESULTS.md", o.out)
	require.Equal(t, "direct,haproxy,ours", o.candidates, "what needs Java is not among them")
}

// A load that fails shows who has to bear it before what is measured.
func TestWhoCompilesIsHeated(t *testing.T) {
	b := &bench{dir: t.TempDir(), second: "127.0.0.1:1"}
	t.Cleanup(b.close)
	require.NoError(t, b.startSink())
	spent := brief(sendJSON, 1, 1)
	spent.Warmup, spent.Measure, spent.PID = 0, 0, 0
	s := scenario{spec: brief(sendJSON, 1, 1), heat: &spent}
	c := candidate{
		name: "sleep", nameServer: func(b *bench) string { return b.nameServer },
		command: func(*bench, string) (*exec.Cmd, error) { return exec.Command("sleep", "600"), nil },
	}
	o, err := b.measure(s, c)
	require.NoError(t, err)
	require.Positive(t, o.Requests)
	c.jit = true
	_, err = b.measure(s, c)
	require.ErrorContains(t, err, "before measuring")
}

func TestAFailureIsTriedAgain(t *testing.T) {
	var log strings.Builder
	starts := 0
	b := &bench{dir: t.TempDir(), tries: 3, log: &log}
	t.Cleanup(b.close)
	require.NoError(t, b.startSink())
	c := candidate{name: "moody", nameServer: func(b *bench) string { return b.nameServer }, command: func(*bench, string) (*exec.Cmd, error) {
		if starts++; starts < 3 {
			return nil, errors.New("not today")
		}
		return exec.Command("sleep", "600"), nil
	}}
	_, err := b.try(scenario{name: "start", startOnly: true}, c)
	require.NoError(t, err)
	require.Equal(t, 3, starts)
	require.Equal(t, 2, strings.Count(log.String(), "once more, as moody failed: not today"))

	starts, b.tries = 0, 2
	_, err = b.try(scenario{name: "start", startOnly: true}, c)
	require.ErrorContains(t, err, "not today")
	require.Equal(t, 2, starts)
}

func TestEveryRowBesideApacheHasItsScenario(t *testing.T) {
	var names []string
	for _, s := range apacheScenarios(options{}, 100_000) {
		names = append(names, s.name)
	}
	for _, w := range apacheRows() {
		require.Contains(t, names, w.scenario)
	}
}

func TestApacheReport(t *testing.T) {
	all := results{}
	for _, speed := range []float64{1, 3, 1} { // the machine is slower in one round
		all.add("1x1", "direct", outcome{Requests: 2000, Seconds: speed})
		all.add("1x1", "apache", took(600*speed))
		all.add("1x1", "ours", took(40*speed))
	}
	all.add("load", "apache", outcome{Before: 300 << 20, Peak: 2400 << 20})
	all.add("load", "ours", outcome{Before: 20 << 20, Peak: 30 << 20})
	all.add("start", "ours", outcome{Start: 40 * time.Millisecond})
	text := apacheReport(all)
	require.Equal(t, "| send 1 KiB, 1 connection, 1 in flight: CPU | µs/request |  | 600 | 40.0 | 15.0 |", line(t, text, "1 in flight: CPU"))
	require.Equal(t, "| send 1 KiB, 1 connection, 1 in flight: throughput | 1/s | 2000 | 1000 | 1000 | 1.00 |", line(t, text, "1 in flight: throughput"))
	require.Equal(t, "| memory started | MB |  | 300 | 20.0 | 15.0 |", line(t, text, "memory started"))
	require.Equal(t, "| memory under load, 256 × 16, at most | MB |  | 2400 | 30.0 | 80.0 |", line(t, text, "under load"))
	require.Equal(t, "| start to first answer | s |  |  | 0.04 |  |", line(t, text, "start to first"), "not every candidate was measured")
	require.NotContains(t, text, "256 × 1:", "what was not measured has no line")
	file := apacheDocument("a machine, RocketMQ 5.5.0", time.Unix(0, 0), text)
	require.Contains(t, file, "1970-01-01 00:00 UTC: a machine, RocketMQ 5.5.0.")
	require.True(t, strings.HasSuffix(file, "\n\n"+text))
	require.NotContains(t, file, "%!")
}
