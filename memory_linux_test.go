// The race detector keeps several times the memory that it watches.
//go:build !race

package main

import (
	"bytes"
	"crypto/tls"
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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
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

// flood is something that grows with what clients send, sent by many of them. Each took more than mostMemory without what
// bounds it: the counting of requests, read sizes that fit small frames, reserving for heartbeats and for handshakes, and the
// number of admin connections.
type flood struct {
	name    string
	clients int
	bytes   []byte
	broker  brokerKind
	admin   bool // it goes to the admin server
	tls     bool // clients are to shake hands
}

// brokerKind is what the broker does that clients flood.
type brokerKind int

const (
	silent brokerKind = iota // it reads nothing
	answering
)

// Whatever clients do, limits.memory bounds the process: each flood in a process of its own.
func TestMemoryIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a while")
	}
	for _, f := range floods(t) {
		t.Run(f.name, func(t *testing.T) {
			p := serveLimited(t, floodedBroker(t, f.broker == answering), f.tls)
			address := p.broker
			if f.admin {
				address = p.admin
			}
			var sent atomic.Int64
			var met sync.WaitGroup
			for range f.clients {
				nc, err := net.Dial("tcp", address)
				require.NoError(t, err)
				t.Cleanup(func() { nc.Close() })
				met.Go(func() {
					nc.SetDeadline(time.Now().Add(20 * time.Second))
					n, _ := nc.Write(f.bytes) //nolint:errcheck // the proxy may take no more
					sent.Add(int64(n))
					nc.SetDeadline(time.Time{})
					go io.Copy(io.Discard, nc) //nolint:errcheck // it ends with the test
				})
			}
			progress := p.traffic
			if f.admin || f.tls { // which no metric counts, and which occupies the admin server
				met.Wait()
				progress = func(t *testing.T) string { return strconv.FormatInt(p.peak(t), 10) }
			}
			watch(t, progress)
			t.Logf("resident at most: %d MiB; %d bytes of clients were taken", p.peak(t)>>20, sent.Load())
			require.Less(t, p.peak(t), int64(mostMemory))
		})
	}
}

func floods(t *testing.T) []flood {
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
	smallest := append(binary.BigEndian.AppendUint32(nil, 6), 0, 0, 0, 2, '{', '}')
	header := "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + strings.Repeat("x", 15<<10)
	return []flood{
		{name: "requests that are not answered", clients: 50, bytes: burst},
		{name: "requests that are answered", clients: 120, bytes: burst, broker: answering},
		{name: "small frames beside a broker that does not read", clients: 400, bytes: bytes.Repeat(smallest, 80_000)},
		{name: "heartbeats", clients: 3000, bytes: beat, broker: answering},
		{name: "handshakes", clients: 3000, bytes: longHello(t), tls: true},
		{name: "admin requests", clients: 6000, bytes: []byte(header), admin: true},
	}
}

// longHello is what a TLS client sends first, as long as it may be and but for its last byte: a server keeps it until then.
func longHello(t *testing.T) []byte {
	c := &noServer{}
	var protocols []string
	for i := range 230 {
		protocols = append(protocols, fmt.Sprintf("%0250d", i))
	}
	require.Error(t, tls.Client(c, &tls.Config{ServerName: "localhost", NextProtos: protocols}).Handshake())
	require.Greater(t, c.sent.Len(), 50<<10)
	return c.sent.Bytes()[:c.sent.Len()-1]
}

// noServer keeps what is sent to it and ends.
type noServer struct {
	net.Conn
	sent bytes.Buffer
}

func (c *noServer) Write(b []byte) (int, error) { return c.sent.Write(b) }
func (c *noServer) Read([]byte) (int, error)    { return 0, io.EOF }
func (c *noServer) Close() error                { return nil }

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

func serveLimited(t *testing.T, broker string, withTLS bool) *limited {
	cl, err := embedded.Start(embedded.Options{Brokers: []embedded.BrokerOptions{{Advertise: broker}}})
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	port, err := freeport.Range(3)
	require.NoError(t, err)
	p := &limited{broker: freeport.Loopback(port + 1), admin: freeport.Loopback(port + 2)}
	dir, more := t.TempDir(), ""
	if withTLS {
		pair := testca.New(t).Files(t, dir, "localhost")
		more = fmt.Sprintf("[listener.tls]\nmode = \"required\"\ncertificate = %q\nkey = %q\n", pair.Certificate, pair.Key)
	}
	file := filepath.Join(dir, "proxy.toml")
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
%s`, memoryLimit, p.admin, cl.NameServers()[0], freeport.Loopback(port), port+1, more), 0o600))
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

// watch returns when there was no progress for two seconds, because there is no more to read or the proxy takes no more.
func watch(t *testing.T, progress func(t *testing.T) string) {
	before, since := "", time.Now()
	for time.Since(since) < 2*time.Second {
		time.Sleep(50 * time.Millisecond)
		if now := progress(t); now != before {
			before, since = now, time.Now()
		}
	}
}

var bytesRead = regexp.MustCompile(`(?m)^rocketmq_proxy_\w*bytes_total\{.*$`)

// traffic is how much the proxy has read. What is counted is shown a moment later.
func (p *limited) traffic(t *testing.T) string {
	var counted [][]byte
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + p.admin + "/metrics")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		page, err := io.ReadAll(resp.Body)
		counted = bytesRead.FindAll(page, -1)
		return err == nil && len(counted) > 0
	}, 30*time.Second, 10*time.Millisecond)
	return string(bytes.Join(counted, []byte{'\n'}))
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
