//go:build linux

package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// childVariable makes this test binary run as one of the processes below: the limit of open files is a process's.
const childVariable = "ROCKETMQ_PROXY_TEST_CHILD"

// child runs one of the tests below as a process of its own and returns its standard output.
func child(t *testing.T, script, test, value string) (out *bufio.Scanner, in io.Closer) {
	t.Helper()
	cmd := exec.Command("sh", "-c", script+`exec "$0" -test.run="^$1\$" -test.timeout=60s`, os.Args[0], test)
	cmd.Env = append(os.Environ(), childVariable+"="+value)
	stdin, err := cmd.StdinPipe()
	require.NoError(t, err)
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { stdin.Close(); cmd.Wait() })
	return bufio.NewScanner(stdout), stdin
}

func asChild(t *testing.T) string {
	value := os.Getenv(childVariable)
	if value == "" {
		t.Skip("it is a process of another test")
	}
	return value
}

// The run time raises the soft limit of open files to the hard one; nothing of ours has to.
func TestSoftLimitIsRaised(t *testing.T) {
	out, _ := child(t, "ulimit -Sn 100; ", "TestTellLimit", "limit")
	require.True(t, out.Scan())
	var soft, hard uint64
	_, err := fmt.Sscanf(out.Text(), "%d %d", &soft, &hard)
	require.NoError(t, err, out.Text())
	require.Greater(t, hard, uint64(1000))
	require.GreaterOrEqual(t, soft, hard-1) // the run time stays one below
}

func TestTellLimit(t *testing.T) {
	asChild(t)
	var limit syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit))
	fmt.Println(limit.Cur, limit.Max)
}

// spareDescriptors is how many files the proxy of the test below may open once it is ready.
const spareDescriptors = 20

// TestProxyOfFewDescriptors is a proxy that may open few files. It prints its addresses and ends with its input.
func TestProxyOfFewDescriptors(t *testing.T) {
	nameServer := asChild(t)
	cfg := devConfig(DevOptions{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0"}, []string{nameServer})
	cfg.DrainTimeout = 0
	s, err := Start(cfg, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	served := make(chan error, 1)
	ctx, end := context.WithCancel(context.Background())
	go func() { served <- s.Serve(ctx, nil) }()
	require.NoError(t, s.awaitReady(ctx, served))
	open, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	few := uint64(len(open) + spareDescriptors)
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: few, Max: few}))
	fmt.Println(s.Addr(devName), s.AdminAddr())
	io.ReadAll(os.Stdin)
	end()
	require.NoError(t, <-served)
}

// Out of descriptors, accepting pauses and is counted, the clients that are there are served, and when descriptors are
// free again so is everybody else.
func TestOutOfDescriptors(t *testing.T) {
	t.Parallel()
	cluster, err := embedded.Start(embedded.Options{})
	require.NoError(t, err)
	defer cluster.Close()
	out, _ := child(t, "", "TestProxyOfFewDescriptors", cluster.NameServers()[0])
	require.True(t, out.Scan())
	proxy, admin, ok := strings.Cut(out.Text(), " ")
	require.True(t, ok, out.Text())
	client := &http.Client{Timeout: 10 * time.Second} // keeps its connection
	failures := func() float64 {
		resp, err := client.Get("http://" + admin + "/metrics")
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return metricOf(string(body), `rocketmq_proxy_accept_failures_total{listener="dev"}`)
	}
	require.Zero(t, failures())
	c := &checker{out: io.Discard}
	_, err = c.route(proxy, cluster.Broker("broker-a").Addr())
	require.NoError(t, err)
	defer c.broker.Close()
	_, err = c.send()
	require.NoError(t, err)

	var idle []net.Conn
	for range 2 * spareDescriptors {
		nc, err := net.Dial("tcp", proxy)
		require.NoError(t, err)
		idle = append(idle, nc)
	}
	require.Eventually(t, func() bool { return failures() > 0 }, patience, 10*time.Millisecond)
	_, err = c.send()
	require.NoError(t, err, "who is there is served")
	first := failures()
	time.Sleep(acceptRest)
	require.Less(t, failures(), first+20, "accepting rests between failures")

	disperse(idle)
	newcomer := &checker{out: io.Discard}
	require.Eventually(t, func() bool {
		_, err := newcomer.route(proxy, cluster.Broker("broker-a").Addr())
		return err == nil
	}, patience, 10*time.Millisecond)
	defer newcomer.broker.Close()
	_, err = newcomer.send()
	require.NoError(t, err)
}

// acceptRest is several times as long as accepting rests after a failure; without a rest there would be thousands.
const acceptRest = 500 * time.Millisecond
