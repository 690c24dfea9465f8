// The race detector keeps several times the memory that it watches.
//go:build !race

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
)

const serveVariable = "ROCKETMQ_PROXY_TEST_SERVE"

// TestServeProcess is the process of the test below.
func TestServeProcess(t *testing.T) {
	file := os.Getenv(serveVariable)
	if file == "" {
		t.Skip("it is a process of another test")
	}
	os.Exit(run([]string{"serve", "--config", file}, nil, os.Stdout, os.Stderr))
}

const (
	memoryLimit = "64MiB"
	mostMemory  = 96 << 20 // resident, at any moment
)

// Whatever clients do, limits.memory bounds the process: each flood of something that grows with what they send, in a
// process of its own.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	request := func(code int32, opaque int, body string) []byte {
		return (&codec.Command{Code: code, Opaque: int32(opaque), Version: codec.Version5_5_0, Body: []byte(body)}).Append(nil, codec.Binary)
	}
	var burst []byte
	for i := range 4096 {
		burst = append(burst, request(codec.ReqGetMaxOffset, i, "")...)
	}
	var groups strings.Builder
	for i := range 3300 {
		fmt.Fprintf(&groups, `,{"groupName":"%d"}`, i)
	}
	beat := request(codec.ReqHeartBeat, 1, `{"clientID":"c","consumerDataSet":[`+groups.String()[1:]+`]}`)

	for _, flood := range []struct {
		name    string
		clients int
		bytes   []byte
		answers bool
	}{
		{"requests that are not answered", 50, burst, false},
		{"requests that are answered", 50, burst, true},
		{"small frames beside a broker that does not read", 60, bytes.Repeat(append(binary.BigEndian.AppendUint32(nil, 6), 0, 0, 0, 2, '{', '}'), 80_000), false},
		{"heartbeats", 1200, beat, true},
	} {
		t.Run(flood.name, func(t *testing.T) {
			broker := floodedBroker(t, flood.answers)
			p := serveLimited(t, broker)
			var sent atomic.Int64
			for range flood.clients {
				nc, err := net.Dial("tcp", p.broker)
				require.NoError(t, err)
				t.Cleanup(func() { nc.Close() })
				go io.Copy(io.Discard, nc) //nolint:errcheck // it ends with the test
				go func() {
					n, _ := nc.Write(flood.bytes) //nolint:errcheck // the proxy may take no more
					sent.Add(int64(n))
				}()
			}
			p.watch(t)
			t.Logf("resident at most: %d MiB; %d bytes of clients were taken", p.peak(t)>>20, sent.Load())
			require.Less(t, p.peak(t), int64(mostMemory))
		})
	}
}

// floodedBroker answers everything at once, or nothing; then it does not read either.
func floodedBroker(t *testing.T, answers bool) (address string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { nc.Close() })
			if answers {
				go answerAll(nc)
			}
		}
	}()
	return ln.Addr().String()
}

func answerAll(nc net.Conn) {
	for {
		c, _, err := codec.ReadCommand(nc, codec.Limits{})
		if err != nil {
			return
		}
		if _, err := nc.Write(c.Answer(codec.ResSuccess, "").Append(nil, codec.Binary)); err != nil {
			return
		}
	}
}

// limited is a proxy in a process of its own.
type limited struct {
	pid           int
	broker, admin string // addresses
}

func serveLimited(t *testing.T, broker string) *limited {
	cl, err := embedded.Start(embedded.Options{Brokers: []embedded.BrokerOptions{{Advertise: broker}}})
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	port, err := freeport.Range(3)
	require.NoError(t, err)
	p := &limited{broker: freeport.Loopback(port + 1), admin: freeport.Loopback(port + 2)}
	file := filepath.Join(t.TempDir(), "proxy.toml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, `
[limits]
memory = %q
[admin]
address = %q
[[cluster]]
name_servers = [%q]
[[listener]]
address = %q
vip_channel = false
broker_ports = "%d"
`, memoryLimit, p.admin, cl.NameServers()[0], freeport.Loopback(port), port+1), 0o600))
	cmd := exec.Command(os.Args[0], "-test.run=^TestServeProcess$")
	cmd.Env = append(os.Environ(), serveVariable+"="+file)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	require.NoError(t, cmd.Start())
	p.pid = cmd.Process.Pid
	t.Cleanup(func() {
		cmd.Process.Kill() //nolint:errcheck // it may have ended
		cmd.Wait()         //nolint:errcheck // it was killed
		if t.Failed() {
			t.Log(said.String())
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if nc, err := net.Dial("tcp", p.broker); err == nil {
			nc.Close()
			return p
		}
		require.True(t, time.Now().Before(deadline), "the proxy does not start: %s", &said)
	}
}

// watch returns when the proxy has read nothing for two seconds, because there is no more or it takes no more.
func (p *limited) watch(t *testing.T) {
	before, since := "", time.Now()
	for time.Since(since) < 2*time.Second {
		time.Sleep(50 * time.Millisecond)
		if now := p.traffic(t); now != before {
			before, since = now, time.Now()
		}
	}
}

var bytesRead = regexp.MustCompile(`(?m)^rocketmq_proxy_\w*bytes_total\{.*$`)

// traffic is how much the proxy has read.
func (p *limited) traffic(t *testing.T) string {
	resp, err := http.Get("http://" + p.admin + "/metrics")
	require.NoError(t, err)
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Contains(t, string(page), "bytes_total{")
	return string(bytes.Join(bytesRead.FindAll(page, -1), []byte{'\n'}))
}

// peak is the most memory that was resident, in bytes.
func (p *limited) peak(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/status")
	require.NoError(t, err)
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, m)
	kib, err := strconv.ParseInt(string(m[1]), 10, 64)
	require.NoError(t, err)
	return kib << 10
}
