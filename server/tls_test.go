package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
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
	ca := testca.New(t)
	expires := time.Now().Add(time.Hour).Truncate(time.Second)
	dir := write(t, t.TempDir(), pairOf(t, ca, "mq", expires))
	trusting := &tls.Config{RootCAs: ca.Pool}
	start := func(mode, clientCA, minVersion string) *Server {
		s, _ := startProxy(t, dress(t, nil).nameServer, func(l *config.Listener, _ *config.Cluster) {
			l.TLS = config.ListenerTLS{Mode: mode, Certificate: dir + "/tls.crt", Key: dir + "/tls.key", ClientCA: clientCA, MinVersion: minVersion}
		})
		return s
	}

	s := start(config.TLSPermissive, "", "1.2")
	secured := dialTLS(t, s.Addr("main"), trusting)
	broker := routed(t, secured)
	served(t, dialTLS(t, broker, trusting))
	plain := dialPlain(t, s.Addr("main"))
	require.Equal(t, broker, routed(t, plain))
	served(t, dialPlain(t, broker))
	clients := adminPage(t, s, "/clients")
	require.Contains(t, clients, fmt.Sprintf(`"remote": %q`, secured.LocalAddr()))
	require.Contains(t, clients, fmt.Sprintf(`"remote": %q`, plain.LocalAddr()))
	require.Contains(t, adminPage(t, s, "/metrics"), fmt.Sprintf("rocketmq_proxy_tls_certificate_expiry_timestamp_seconds{listener=\"main\"} %d\n", expires.Unix()))

	s = start(config.TLSRequired, "", "1.3")
	broker = routed(t, dialTLS(t, s.Addr("main"), trusting))
	served(t, dialTLS(t, broker, trusting))
	for _, address := range []string{s.Addr("main"), broker} {
		c := dialPlain(t, address)
		c.Write([]byte("\x00\x00\x00\x10\x00\x00\x00\x0c{}"))
		c.SetDeadline(time.Now().Add(devPatience))
		_, err := io.ReadAll(c)
		var late net.Error
		require.False(t, errors.As(err, &late) && late.Timeout(), "a plain connection is closed")
	}
	_, err := tls.Dial("tcp", broker, &tls.Config{RootCAs: ca.Pool, MaxVersion: tls.VersionTLS12})
	require.ErrorContains(t, err, "protocol version")
	require.Eventually(t, func() bool {
		page := adminPage(t, s, "/metrics")
		return strings.Contains(page, `rocketmq_proxy_refused_total{listener="main",reason="tls_required"} 2`) &&
			strings.Contains(page, `rocketmq_proxy_refused_total{listener="main",reason="tls_handshake"} 1`)
	}, devPatience, time.Millisecond)

	s = start(config.TLSRequired, dir+"/ca.crt", "1.2")
	known := &tls.Config{RootCAs: ca.Pool, Certificates: []tls.Certificate{ca.Certificate(t, "client")}}
	served(t, dialTLS(t, routed(t, dialTLS(t, s.Addr("main"), known)), known))
	unknown := dialTLS(t, s.Addr("main"), trusting)
	unknown.SetDeadline(time.Now().Add(devPatience))
	_, err = unknown.Read(make([]byte, 1))
	require.ErrorContains(t, err, "certificate required")
}

func TestTLSTowardsCluster(t *testing.T) {
	ca := testca.New(t)
	dir := write(t, t.TempDir(), pairOf(t, ca, "proxy", time.Now().Add(time.Hour)))
	fronts := &tls.Config{Certificates: []tls.Certificate{ca.Certificate(t, "mq")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool}
	d := dress(t, fronts)
	s, _ := startProxy(t, d.nameServer, func(_ *config.Listener, c *config.Cluster) {
		c.TLS = config.ClusterTLS{Enabled: true, CA: dir + "/ca.crt", Certificate: dir + "/tls.crt", Key: dir + "/tls.key", ServerName: "mq"}
		c.SendProxyProtocol = true
	})
	ns := dialPlain(t, s.Addr("main"))
	c := dialPlain(t, routed(t, ns))
	served(t, c)
	require.Equal(t, c.LocalAddr().String(), (<-d.brokerHeads).SourceAddr.String())
	require.Contains(t, adminPage(t, s, "/metrics"), `rocketmq_proxy_tls_insecure_skip_verify{cluster="main"} 0`)

	// What is not checked is said, in capitals.
	s, log := startProxy(t, d.nameServer, func(_ *config.Listener, c *config.Cluster) {
		c.TLS = config.ClusterTLS{Enabled: true, InsecureSkipVerify: true, Certificate: dir + "/tls.crt", Key: dir + "/tls.key"}
	})
	served(t, dialPlain(t, routed(t, dialPlain(t, s.Addr("main")))))
	require.Contains(t, log.String(), "INSECURE: certificates of brokers are not verified")
	require.Contains(t, adminPage(t, s, "/metrics"), `rocketmq_proxy_tls_insecure_skip_verify{cluster="main"} 1`)
}

// A broker that accepts and does not speak TLS is away, and the log says why.
func TestBrokerWithoutTLSIsAway(t *testing.T) {
	ca := testca.New(t)
	ns := listenLocally(t)
	cluster, err := embedded.Start(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	go front(ns, cluster.NameServers()[0], &tls.Config{Certificates: []tls.Certificate{ca.Certificate(t, "mq")}}, make(chan *proxyproto.Header, 100))
	s, log := startProxy(t, ns.Addr().String(), func(_ *config.Listener, c *config.Cluster) {
		c.TLS = config.ClusterTLS{Enabled: true, InsecureSkipVerify: true}
	})
	c := dialPlain(t, routed(t, dialPlain(t, s.Addr("main"))))
	q := codec.Command{Code: codec.ReqGetAllTopicConfig, Language: codec.Go, Version: codec.Version5_5_0, Opaque: 1}
	_, err = c.Write(q.Append(nil, codec.JSON))
	require.NoError(t, err)
	c.SetDeadline(time.Now().Add(devPatience))
	answer, _, err := codec.ReadCommand(c, codec.Limits{})
	require.NoError(t, err)
	require.EqualValues(t, codec.ResServiceNotAvailable, answer.Code)
	require.Eventually(t, func() bool {
		return strings.Contains(log.String(), "broker unreachable")
	}, devPatience, time.Millisecond, "%v", log)
	require.Contains(t, log.String(), "cannot secure the connection (cluster.tls)")
	require.Contains(t, adminPage(t, s, "/metrics"), `rocketmq_proxy_broker_up{cluster="main",broker="broker-a/0"} 0`)
}

// The client that a balancer names is the one that the broker is told.
func TestProxyProtocolThrough(t *testing.T) {
	d := dress(t, nil)
	s, _ := startProxy(t, d.nameServer, func(l *config.Listener, c *config.Cluster) {
		l.ProxyProtocolFrom = []string{"127.0.0.1"}
		c.SendProxyProtocol = true
	})
	balanced := func(address string) net.Conn {
		c := dialPlain(t, address)
		_, err := c.Write([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1000 2000\r\n"))
		require.NoError(t, err)
		return c
	}
	ns := balanced(s.Addr("main"))
	served(t, balanced(routed(t, ns)))
	require.Equal(t, "192.0.2.1:1000", (<-d.brokerHeads).SourceAddr.String())
	require.Contains(t, adminPage(t, s, "/clients"), `"remote": "192.0.2.1:1000"`)
	ask(t, ns, codec.ReqGetAllTopicListFromNameServer, nil) // goes over a connection to the name server
	require.Empty(t, d.nameServerHeads, "name servers are sent none")
}

// A Kubernetes secret is a directory behind a symlink, which is swapped.
func TestCertificatesChange(t *testing.T) {
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
	s, log := startProxy(t, dress(t, nil).nameServer, func(l *config.Listener, _ *config.Cluster) {
		l.TLS = config.ListenerTLS{Mode: config.TLSRequired, Certificate: root + "/tls.crt", Key: root + "/tls.key", MinVersion: "1.2"}
	})
	trusting := &tls.Config{RootCAs: ca.Pool}
	shown := func() string {
		return dialTLS(t, s.Addr("main"), trusting).ConnectionState().PeerCertificates[0].Subject.CommonName
	}
	old := dialTLS(t, s.Addr("main"), trusting)
	require.Equal(t, "first", old.ConnectionState().PeerCertificates[0].Subject.CommonName)

	second := pairOf(t, ca, "second", time.Now().Add(2*time.Hour))
	swap("..2", map[string][]byte{"tls.crt": second["tls.crt"], "tls.key": first["tls.key"]}) // a pair that is none
	s.certificates.look()
	s.certificates.look()
	require.Equal(t, "first", shown())
	require.Equal(t, 1, strings.Count(log.String(), "cannot reload TLS files"), "told once")
	require.Len(t, s.certificates.bad(), 1, "and whoever reloads is told again")
	require.Contains(t, s.certificates.bad()[0], `TLS files of listener "main": cannot use listener.tls.certificate`)
	require.Contains(t, adminPage(t, s, "/metrics"), `rocketmq_proxy_tls_reloads_total{listener="main",result="failure"} 1`)

	swap("..3", second)
	s.certificates.look()
	require.Equal(t, "second", shown())
	require.Empty(t, s.certificates.bad())
	require.Contains(t, adminPage(t, s, "/metrics"), `rocketmq_proxy_tls_reloads_total{listener="main",result="success"} 1`)
	routed(t, old) // whoever was there stays

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
