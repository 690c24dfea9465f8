package server

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// write writes files of a directory, which it returns.
func write(t *testing.T, dir string, files map[string][]byte) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
	return dir
}

// pairOf makes the files of a certificate.
func pairOf(t *testing.T, ca *testca.CA, name string, expires time.Time) map[string][]byte {
	t.Helper()
	certificate, key := ca.Pair(t, name, expires)
	return map[string][]byte{"tls.crt": certificate, "tls.key": key, "ca.crt": ca.PEM}
}

func TestTLSTowardsClients(t *testing.T) {
	t.Parallel()
	ca := testca.New(t)
	expires := time.Now().Add(time.Hour).Truncate(time.Second)
	dir := write(t, t.TempDir(), pairOf(t, ca, "mq", expires))
	trusting := &tls.Config{RootCAs: ca.Pool}
	start := func(mode, clientCA, minVersion string) *running {
		s := startProxy(t, dress(t, nil).nameServer, func(l *config.Listener, _ *config.Cluster) {
			l.TLS = config.ListenerTLS{Mode: mode, Certificate: dir + "/tls.crt", Key: dir + "/tls.key", ClientCA: clientCA, MinVersion: minVersion}
		})
		return s
	}

	s := start(config.TLSPermissive, "", "1.2")
	secured := dialTLS(t, s.Addr("main"), trusting)
	broker := secured.routed()
	dialTLS(t, broker, trusting).served()
	plain := dial(t, s.Addr("main"))
	require.Equal(t, broker, plain.routed())
	dial(t, broker).served()
	clients := s.page("/clients")
	require.Contains(t, clients, fmt.Sprintf(`"remote": %q`, secured.Local()))
	require.Contains(t, clients, fmt.Sprintf(`"remote": %q`, plain.Local()))
	require.Contains(t, s.page("/metrics"), fmt.Sprintf("rocketmq_proxy_tls_certificate_expiry_timestamp_seconds{listener=\"main\"} %d\n", expires.Unix()))

	s = start(config.TLSRequired, "", "1.3")
	broker = dialTLS(t, s.Addr("main"), trusting).routed()
	dialTLS(t, broker, trusting).served()
	for _, address := range []string{s.Addr("main"), broker} {
		c := dial(t, address)
		c.Write([]byte("\x00\x00\x00\x10\x00\x00\x00\x0c{}"))
		c.Ends()
	}
	_, err := tls.Dial("tcp", broker, &tls.Config{RootCAs: ca.Pool, MaxVersion: tls.VersionTLS12})
	require.ErrorContains(t, err, "protocol version")
	require.Eventually(t, func() bool {
		page := s.page("/metrics")
		return strings.Contains(page, `rocketmq_proxy_refused_total{listener="main",reason="tls_required"} 2`) &&
			strings.Contains(page, `rocketmq_proxy_refused_total{listener="main",reason="tls_handshake"} 1`)
	}, patience, time.Millisecond)

	s = start(config.TLSRequired, dir+"/ca.crt", "1.2")
	known := &tls.Config{RootCAs: ca.Pool, Certificates: []tls.Certificate{ca.Certificate(t, "client")}}
	dialTLS(t, dialTLS(t, s.Addr("main"), known).routed(), known).served()
	unknown := dialTLS(t, s.Addr("main"), trusting)
	unknown.Conn.SetDeadline(time.Now().Add(patience))
	_, err = unknown.Conn.Read(make([]byte, 1))
	require.ErrorContains(t, err, "certificate required")
}

func TestTLSTowardsCluster(t *testing.T) {
	t.Parallel()
	ca := testca.New(t)
	dir := write(t, t.TempDir(), pairOf(t, ca, "proxy", time.Now().Add(time.Hour)))
	fronts := &tls.Config{Certificates: []tls.Certificate{ca.Certificate(t, "mq")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool}
	d := dress(t, fronts)
	s := startProxy(t, d.nameServer, func(_ *config.Listener, c *config.Cluster) {
		c.TLS = config.ClusterTLS{Enabled: true, CA: dir + "/ca.crt", Certificate: dir + "/tls.crt", Key: dir + "/tls.key", ServerName: "mq"}
		c.SendProxyProtocol = true
	})
	ns := dial(t, s.Addr("main"))
	c := dial(t, ns.routed())
	c.served()
	require.Equal(t, c.Local(), (<-d.brokerHeads).SourceAddr.String())
	require.Contains(t, s.page("/metrics"), `rocketmq_proxy_tls_insecure_skip_verify{cluster="main"} 0`)

	// What is not checked is said, in capitals.
	s = startProxy(t, d.nameServer, func(_ *config.Listener, c *config.Cluster) {
		c.TLS = config.ClusterTLS{Enabled: true, InsecureSkipVerify: true, Certificate: dir + "/tls.crt", Key: dir + "/tls.key"}
	})
	dial(t, dial(t, s.Addr("main")).routed()).served()
	require.Contains(t, s.log.String(), "INSECURE: certificates of brokers are not verified")
	require.Contains(t, s.page("/metrics"), `rocketmq_proxy_tls_insecure_skip_verify{cluster="main"} 1`)
}

// A broker that accepts and does not speak TLS is away, and the log says why.
func TestBrokerWithoutTLSIsAway(t *testing.T) {
	t.Parallel()
	ca := testca.New(t)
	ns := listenLocally(t)
	cluster := proxytest.StartCluster(t, embedded.Options{})
	go front(ns, cluster.NameServers()[0], &tls.Config{Certificates: []tls.Certificate{ca.Certificate(t, "mq")}}, make(chan *proxyproto.Header, 100))
	s := startProxy(t, ns.Addr().String(), func(_ *config.Listener, c *config.Cluster) {
		c.TLS = config.ClusterTLS{Enabled: true, InsecureSkipVerify: true}
	})
	c := dial(t, dial(t, s.Addr("main")).routed())
	answer := c.Call(&codec.Command{Code: codec.ReqGetAllTopicConfig})
	require.EqualValues(t, codec.ResServiceNotAvailable, answer.Code)
	require.Eventually(t, func() bool {
		return strings.Contains(s.log.String(), "broker unreachable")
	}, patience, time.Millisecond, "%v", s.log)
	require.Contains(t, s.log.String(), "cannot secure the connection (cluster.tls)")
	require.Contains(t, s.page("/metrics"), `rocketmq_proxy_broker_up{cluster="main",broker="broker-a/0"} 0`)
}

// The client that a balancer names is the one that the broker is told.
func TestProxyProtocolThrough(t *testing.T) {
	t.Parallel()
	d := dress(t, nil)
	s := startProxy(t, d.nameServer, func(l *config.Listener, c *config.Cluster) {
		l.ProxyProtocolFrom = []string{"127.0.0.1"}
		c.SendProxyProtocol = true
	})
	balanced := func(address string) *client {
		c := dial(t, address)
		c.Write([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n"))
		return c
	}
	ns := balanced(s.Addr("main"))
	balanced(ns.routed()).served()
	require.Equal(t, "192.0.2.1:1000", (<-d.brokerHeads).SourceAddr.String())
	require.Contains(t, s.page("/clients"), `"remote": "192.0.2.1:1000"`)
	ns.Call(&codec.Command{Code: codec.ReqGetAllTopicListFromNameServer}) // goes over a connection to the name server
	require.Empty(t, d.nameServerHeads, "name servers are sent none")
}

// A Kubernetes secret is a directory behind a symlink, which is swapped.
func TestCertificatesChange(t *testing.T) {
	t.Parallel()
	ca := testca.New(t)
	root := t.TempDir()
	swap := func(version string, files map[string][]byte) {
		write(t, filepath.Join(root, version), files)
		next := filepath.Join(root, "..next")
		require.NoError(t, os.Symlink(version, next))
		require.NoError(t, os.Rename(next, filepath.Join(root, "..data")))
	}
	first := pairOf(t, ca, "first", time.Now().Add(time.Hour))
	swap("..1", first)
	for name := range first {
		require.NoError(t, os.Symlink(filepath.Join("..data", name), filepath.Join(root, name)))
	}
	s := startProxy(t, dress(t, nil).nameServer, func(l *config.Listener, _ *config.Cluster) {
		l.TLS = config.ListenerTLS{Mode: config.TLSRequired, Certificate: root + "/tls.crt", Key: root + "/tls.key", MinVersion: "1.2"}
	})
	trusting := &tls.Config{RootCAs: ca.Pool}
	shown := func() string {
		return dialTLS(t, s.Addr("main"), trusting).Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	old := dialTLS(t, s.Addr("main"), trusting)
	require.Equal(t, "first", old.Conn.(*tls.Conn).ConnectionState().PeerCertificates[0].Subject.CommonName)

	second := pairOf(t, ca, "second", time.Now().Add(2*time.Hour))
	swap("..2", map[string][]byte{"tls.crt": second["tls.crt"], "tls.key": first["tls.key"]}) // a pair that is none
	s.certificates.look()
	s.certificates.look()
	require.Equal(t, "first", shown())
	require.Equal(t, 1, strings.Count(s.log.String(), "cannot reload TLS files"), "told once")
	require.Len(t, s.certificates.bad(), 1, "and whoever reloads is told again")
	require.Contains(t, s.certificates.bad()[0], `TLS files of listener "main": cannot use listener.tls.certificate`)
	require.Contains(t, s.page("/metrics"), `rocketmq_proxy_tls_reloads_total{listener="main",result="failure"} 1`)

	swap("..3", second)
	s.certificates.look()
	require.Equal(t, "second", shown())
	require.Empty(t, s.certificates.bad())
	require.Contains(t, s.page("/metrics"), `rocketmq_proxy_tls_reloads_total{listener="main",result="success"} 1`)
	old.routed() // connections that were there stay

	require.NoError(t, os.Remove(filepath.Join(root, "tls.key")))
	s.certificates.look()
	require.Equal(t, "second", shown())
}

func TestCertificatesAreWatched(t *testing.T) {
	ca := testca.New(t)
	dir := write(t, t.TempDir(), pairOf(t, ca, "first", time.Now().Add(time.Hour)))
	second := pairOf(t, ca, "second", time.Now().Add(time.Hour))
	synctest.Test(t, func(t *testing.T) {
		var cs certificates
		k, err := cs.keep("listener", "main", slog.New(slog.DiscardHandler), &listenerFiles{&config.ListenerTLS{Certificate: dir + "/tls.crt", Key: dir + "/tls.key", MinVersion: "1.2"}})
		require.NoError(t, err)
		cs.set = metrics.NewSet()
		cs.commit(&config.Config{Listeners: []config.Listener{{Name: "main", TLS: config.ListenerTLS{Mode: config.TLSRequired}}}})
		cs.watch()
		write(t, dir, second)
		time.Sleep(lookEvery)
		synctest.Wait()
		require.Equal(t, "second", k.current.Load().Certificates[0].Leaf.Subject.CommonName)
		cs.close()
	})
}

// A start with files that cannot be used says which, and check says it before.
func TestBadTLSFiles(t *testing.T) {
	t.Parallel()
	ca := testca.New(t)
	good, other := pairOf(t, ca, "mq", time.Now().Add(time.Hour)), pairOf(t, ca, "other", time.Now().Add(time.Hour))
	dir := write(t, t.TempDir(), good)
	write(t, dir, map[string][]byte{"other.key": other["tls.key"], "nonsense": []byte("nonsense")})
	f := func(l config.ListenerTLS, c config.ClusterTLS, check, want string) {
		t.Helper()
		cfg := devConfig(DevOptions{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0"}, []string{"127.0.0.1:1"})
		l.MinVersion = "1.2"
		cfg.Listeners[0].TLS, cfg.Clusters[0].TLS = l, c
		require.ErrorContains(t, CheckFiles(cfg), check)
		_, err := Start(cfg, slog.New(slog.DiscardHandler))
		require.ErrorContains(t, err, want)
	}
	off := config.ListenerTLS{Mode: config.TLSOff}
	f(config.ListenerTLS{Mode: config.TLSRequired, Certificate: dir + "/none", Key: dir + "/tls.key"}, config.ClusterTLS{},
		`listener[0].tls.certificate = "`+dir+`/none" of listener "dev": the file cannot be read: no such file`, "none: no such file")
	f(config.ListenerTLS{Mode: config.TLSRequired, Certificate: dir + "/tls.crt", Key: dir + "/other.key"}, config.ClusterTLS{},
		`listener[0].tls.certificate = "`+dir+`/tls.crt" of listener "dev": tls: private key does not match public key`,
		"cannot use listener.tls.certificate "+dir+"/tls.crt with listener.tls.key "+dir+"/other.key: tls: private key does not match public key")
	f(config.ListenerTLS{Mode: config.TLSRequired, Certificate: dir + "/tls.crt", Key: dir + "/tls.key", ClientCA: dir + "/nonsense"}, config.ClusterTLS{},
		`listener[0].tls.client_ca = "`+dir+`/nonsense" of listener "dev": there is no PEM certificate in it`, "cannot use listener.tls.client_ca "+dir+"/nonsense: there is no PEM certificate in it")
	f(off, config.ClusterTLS{Enabled: true, CA: dir + "/nonsense"},
		`cluster[0].tls.ca = "`+dir+`/nonsense" of cluster "dev": there is no PEM certificate in it`, "cannot use cluster.tls.ca "+dir+"/nonsense")
	nameless := testca.Nameless(t)
	write(t, dir, pairOf(t, nameless, "mq", time.Now().Add(time.Hour)))
	f(config.ListenerTLS{Mode: config.TLSRequired, Certificate: dir + "/tls.crt", Key: dir + "/tls.key"}, config.ClusterTLS{}, "issuer has no name", "issuer has no name")
}
