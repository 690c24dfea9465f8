package server

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// The same through a whole proxy: a certificate of the authority lets in, another one and none do not; a reload
// changes which clients are let in, on connections that are open.
func TestAdminHTTPS(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	ours, theirs := newAuthority(t), newAuthority(t)
	certificate, key := ours.issue(t, "proxy", x509.ExtKeyUsageServerAuth)
	f := serveFile(t, office(cl, "127.0.0.1:0", ""))
	table := func(ca string) string {
		return "admin = { address = '127.0.0.1:0', certificate = '" + certificate + "', key = '" + key + "', client_ca = '" + ca + "' }\n" + office(cl, "127.0.0.1:0", "")
	}
	require.NoError(t, os.WriteFile(f.file, []byte(table(ours.file)), 0o600))
	_, err := f.Reload()
	require.NoError(t, err)

	as := func(pairs ...tls.Certificate) *http.Client {
		transport := &http.Transport{TLSClientConfig: &tls.Config{
			RootCAs: ours.pool, ServerName: "proxy",
			// Whatever the server would like to see: this is a client that tries.
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if len(pairs) == 0 {
					return &tls.Certificate{}, nil
				}
				return &pairs[0], nil
			},
		}}
		t.Cleanup(transport.CloseIdleConnections)
		return &http.Client{Transport: transport}
	}
	reload := func(c *http.Client) (int, string) {
		answer, err := c.Post("https://"+f.AdminAddr()+"/reload", "", nil)
		require.NoError(t, err)
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(text)
	}
	nobody, operator, stranger := as(), as(ours.pair(t, "ops", x509.ExtKeyUsageClientAuth)), as(theirs.pair(t, "ops", x509.ExtKeyUsageClientAuth))
	status, _ := reload(nobody)
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = reload(stranger)
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = reload(as(ours.pair(t, "ops", x509.ExtKeyUsageServerAuth)))
	require.Equal(t, http.StatusUnauthorized, status, "a server's certificate is no client's")
	status, text := reload(operator)
	require.Equal(t, http.StatusOK, status, text)

	require.NoError(t, os.WriteFile(f.file, []byte(table(theirs.file)), 0o600))
	status, text = reload(operator)
	require.Equal(t, http.StatusOK, status, text)
	status, _ = reload(operator)
	require.Equal(t, http.StatusUnauthorized, status, "the authority is not ours any more")
	status, _ = reload(stranger)
	require.Equal(t, http.StatusOK, status)
	_, err = http.Get("http://" + f.AdminAddr() + "/healthz")
	require.NoError(t, err) // 400: HTTP to HTTPS, as Go's server says
}

// A token that changed in its file counts from the next reload on.
func TestReloadReadsTheTokenAgain(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, office(cl, "127.0.0.1:0", ""))
	require.NoError(t, os.WriteFile(f.token, []byte("another"), 0o600))
	status, _ := f.request("POST", "/reload", fixtureToken)
	require.Equal(t, http.StatusOK, status)
	status, _ = f.request("POST", "/reload", fixtureToken)
	require.Equal(t, http.StatusUnauthorized, status)
	status, _ = f.request("POST", "/reload", "another")
	require.Equal(t, http.StatusOK, status)
}

// Profiles are served only when asked for.
func TestProfiles(t *testing.T) {
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, office(cl, "127.0.0.1:0", ""))
	status, body := f.request("GET", "/debug/pprof/", "")
	require.Equal(t, http.StatusNotFound, status)
	require.Equal(t, "profiles are off; set admin.pprof = true and reload\n", body)
	on := "admin = { address = '127.0.0.1:0', token_file = '" + f.token + "', pprof = true }\n" + office(cl, "127.0.0.1:0", "")
	require.NoError(t, os.WriteFile(f.file, []byte(on), 0o600))
	_, err := f.Reload()
	require.NoError(t, err)
	status, body = f.request("GET", "/debug/pprof/goroutine?debug=1", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, body, "goroutine profile")
	status, _ = f.request("GET", "/debug/pprof/cmdline", "")
	require.Equal(t, http.StatusOK, status)
}

// What changes something is POST.
func TestOnlyPostChanges(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, office(cl, "127.0.0.1:0", ""))
	for _, path := range []string{"/reload", "/drain"} {
		status, _ := f.request("GET", path, fixtureToken)
		require.Equal(t, http.StatusMethodNotAllowed, status)
		status, _ = f.request("POST", path, "")
		require.Equal(t, http.StatusUnauthorized, status)
	}
	status, _ := f.request("POST", "/metrics", fixtureToken)
	require.Equal(t, http.StatusMethodNotAllowed, status)
	require.True(t, f.Ready())
}

// A proxy that others could reach without a credential does not start, however its configuration was made.
func TestStartRefusesAnOpenDoor(t *testing.T) {
	cfg := config.Default()
	cfg.Clusters, cfg.Listeners = []config.Cluster{config.DefaultCluster()}, []config.Listener{config.DefaultListener()}
	cfg.Complete()
	cfg.Admin.TokenFile = "nowhere"
	cfg.Admin.Address = "127.0.0.1:0"
	_, err := Start(cfg, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "admin.token_file")
	require.ErrorContains(t, Dev(context.Background(), DevOptions{Listen: "127.0.0.1:0", Admin: "0.0.0.0:0"}, slog.New(slog.DiscardHandler), io.Discard, nil),
		"no credential is configured")
}

// authority signs certificates for tests.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
	pool        *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	a := &authority{key: key, pool: x509.NewCertPool(), file: filepath.Join(t.TempDir(), "ca.pem")}
	a.certificate, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	a.pool.AddCert(a.certificate)
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

// issue writes a certificate and its key.
func (a *authority) issue(t *testing.T, name string, use x509.ExtKeyUsage) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{use},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &private.PublicKey, a.key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePEM(t, certificate, "CERTIFICATE", der)
	writePEM(t, key, "PRIVATE KEY", secret)
	return certificate, key
}

func (a *authority) pair(t *testing.T, name string, use x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(a.issue(t, name, use))
	require.NoError(t, err)
	return pair
}

func writePEM(t *testing.T, file, kind string, der []byte) {
	t.Helper()
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
}
