package server

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"testing"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// dressed is a cluster whose name server and broker stand behind fronts: with PROXY headers, TLS, or both.
type dressed struct {
	nameServer, broker           string
	nameServerHeads, brokerHeads chan *proxyproto.Header
}

// dress starts an embedded cluster behind fronts.
func dress(t *testing.T, cfg *tls.Config) *dressed {
	t.Helper()
	ns, broker := listenLocally(t), listenLocally(t)
	cluster := proxytest.StartCluster(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Advertise: broker.Addr().String()}}})
	d := &dressed{ns.Addr().String(), broker.Addr().String(), make(chan *proxyproto.Header, 100), make(chan *proxyproto.Header, 100)}
	go front(ns, cluster.NameServers()[0], cfg, d.nameServerHeads)
	go front(broker, cluster.Broker("broker-a").Addr(), cfg, d.brokerHeads)
	return d
}

func listenLocally(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	return ln
}

// front takes PROXY header and TLS off, as real brokers do, and passes the rest on.
func front(ln net.Listener, target string, cfg *tls.Config, heads chan *proxyproto.Header) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer nc.Close()
			r := bufio.NewReader(nc)
			var c net.Conn = readFrom{nc, r}
			if h, err := proxyproto.Read(r); err == nil {
				heads <- h
			}
			if cfg != nil {
				c = tls.Server(c, cfg)
			}
			back, err := net.Dial("tcp", target)
			if err != nil {
				return
			}
			defer back.Close()
			go func() { io.Copy(back, c); back.Close() }()
			io.Copy(c, back)
		}()
	}
}

type readFrom struct {
	net.Conn
	r io.Reader
}

func (c readFrom) Read(b []byte) (int, error) { return c.r.Read(b) }

// startProxy starts a proxy of one listener in front of a name server and waits until it is ready.
func startProxy(t *testing.T, nameServer string, change func(l *config.Listener, c *config.Cluster)) *running {
	t.Helper()
	r := run(t, configFor(t, []string{nameServer}, func(cfg *config.Config) { change(&cfg.Listeners[0], &cfg.Clusters[0]) }))
	r.await(r.Ready, "ready")
	return r
}

func dialTLS(t *testing.T, address string, cfg *tls.Config) *client {
	t.Helper()
	nc, err := tls.Dial("tcp", address, cfg)
	require.NoError(t, err)
	return &client{proxytest.NewClient(t, nc)}
}

// routed asks a name-server port for the only broker's port.
func (c *client) routed() string {
	c.T.Helper()
	brokers := c.brokers("TBW102")
	require.Len(c.T, brokers, 1)
	for _, address := range brokers {
		return address
	}
	return ""
}

// served makes sure that a broker answers.
func (c *client) served() {
	c.T.Helper()
	answer := c.Call(&codec.Command{Code: codec.ReqGetAllTopicConfig})
	require.Equal(c.T, codec.ResSuccess, answer.Code, answer.Remark)
}
