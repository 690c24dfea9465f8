package server

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
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
	cluster, err := embedded.Start(embedded.Options{Brokers: []embedded.BrokerOptions{{Advertise: broker.Addr().String()}}})
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
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
func startProxy(t *testing.T, nameServer string, change func(l *config.Listener, c *config.Cluster)) (*Server, *logged) {
	t.Helper()
	r := run(t, configFor(t, []string{nameServer}, func(cfg *config.Config) { change(&cfg.Listeners[0], &cfg.Clusters[0]) }))
	require.Eventually(t, r.Ready, devPatience, time.Millisecond, "%v", r.log)
	return r.Server, r.log
}

// ask sends one request over an open connection and returns the answer.
func ask(t *testing.T, c net.Conn, code int32, ext map[string]string) *codec.Command {
	t.Helper()
	q := codec.Command{Code: code, Language: codec.Go, Version: codec.Version5_5_0, Opaque: 1, Ext: ext}
	c.SetDeadline(time.Now().Add(devPatience))
	_, err := c.Write(q.Append(nil, codec.JSON))
	require.NoError(t, err)
	answer, _, err := codec.ReadCommand(c, codec.Limits{})
	require.NoError(t, err)
	require.EqualValues(t, codec.ResSuccess, answer.Code, answer.Remark)
	return answer
}

// routed asks a name-server port for the broker's port.
func routed(t *testing.T, c net.Conn) string {
	t.Helper()
	brokers, err := rewrite.TopicRouteBrokers(ask(t, c, codec.ReqGetRouteInfoByTopic, map[string]string{"topic": "TBW102"}).Body)
	require.NoError(t, err)
	require.Len(t, brokers, 1)
	return brokers[0].Address
}

// served makes sure that a broker answers on a connection.
func served(t *testing.T, c net.Conn) {
	t.Helper()
	ask(t, c, codec.ReqGetAllTopicConfig, nil)
}

func dialPlain(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func dialTLS(t *testing.T, address string, cfg *tls.Config) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", address, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

// adminPage reads a page of the admin address.
func adminPage(t *testing.T, s *Server, path string) string {
	t.Helper()
	r, err := http.Get("http://" + s.AdminAddr() + path)
	require.NoError(t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return string(text)
}
