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
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// Who may do what: read and change, on and off loopback, with and without a credential.
func TestDoor(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "token")
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
		return name
	}
	const (
		reached   = http.StatusTeapot
		needs     = http.StatusUnauthorized
		forbidden = http.StatusForbidden
	)
	pages := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(reached) })
	f := func(c config.Admin, loopback bool, method, path, authorization string, want int) {
		t.Helper()
		d, err := newDoor(c, loopback)
		require.NoError(t, err)
		a := &admin{}
		a.door.Store(d)
		r := httptest.NewRequest(method, path, nil)
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		w := httptest.NewRecorder()
		a.guard(pages).ServeHTTP(w, r)
		require.Equal(t, want, w.Code, w.Body)
		if want != reached {
			require.Equal(t, "text/plain; charset=utf-8", w.Header().Get("Content-Type"))
		}
		switch want {
		case needs:
			require.Equal(t, `Bearer realm="rocketmq-proxy"`, w.Header().Get("WWW-Authenticate"))
			require.Contains(t, w.Body.String(), "this needs a credential")
		case forbidden:
			require.Contains(t, w.Body.String(), "set admin.token_file")
		}
	}
	none, token := config.Admin{}, config.Admin{TokenFile: file(" open sesame\n")}

	f(none, true, "GET", "/metrics", "", reached)
	f(none, true, "HEAD", "/metrics", "", reached)
	f(none, true, "POST", "/reload", "", forbidden)
	f(none, true, "POST", "/reload", "Bearer open sesame", forbidden)
	f(none, true, "DELETE", "/clients", "", forbidden)

	f(token, true, "GET", "/metrics", "", reached)
	f(token, true, "POST", "/reload", "", needs)
	f(token, true, "POST", "/healthz", "", needs)
	f(token, true, "POST", "/reload", "Bearer open", needs)
	f(token, true, "POST", "/reload", "Bearer open sesame!", needs)
	f(token, true, "POST", "/reload", "Bearer ", needs)
	f(token, true, "POST", "/reload", "Basic open sesame", needs)
	f(token, true, "POST", "/reload", "open sesame", needs)
	f(token, true, "POST", "/reload", "Bearer open sesame", reached)
	f(token, true, "POST", "/reload", "bearer open sesame", reached)

	f(token, false, "GET", "/healthz", "", reached)
	f(token, false, "GET", "/readyz", "", reached)
	f(token, false, "GET", "/", "", needs)
	f(token, false, "GET", "/metrics", "", needs)
	f(token, false, "GET", "/healthz/", "", needs)
	f(token, false, "GET", "/debug/pprof/", "Bearer wrong", needs)
	f(token, false, "GET", "/metrics", "Bearer open sesame", reached)
	f(token, false, "POST", "/drain", "Bearer open sesame", reached)
}

// A browser's certificate must not be lent to other sites.
func TestDoorRefusesCrossOrigin(t *testing.T) {
	d, err := newDoor(config.Admin{}, true)
	require.NoError(t, err)
	a := &admin{}
	a.door.Store(d)
	r := httptest.NewRequest("POST", "/drain", nil)
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	a.guard(http.NotFoundHandler()).ServeHTTP(w, r)
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Contains(t, w.Body.String(), "cross-origin")
}

// Whatever is wrong with the files is said with their keys, and off loopback nothing opens without a credential.
func TestNewDoorFailure(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	require.NoError(t, os.WriteFile(empty, []byte(" \n"), 0o600))
	ca := newAuthority(t)
	certificate, key := ca.issue(t, "proxy", x509.ExtKeyUsageServerAuth)
	f := func(c config.Admin, loopback bool, want string) {
		t.Helper()
		_, err := newDoor(c, loopback)
		require.ErrorContains(t, err, want)
	}
	f(config.Admin{TokenFile: empty}, true, `cannot use the admin token (admin.token_file = "`+empty+`"): the file is empty`)
	f(config.Admin{TokenFile: "nowhere"}, true, `cannot use the admin token (admin.token_file = "nowhere"): open nowhere: no such file`)
	f(config.Admin{Certificate: certificate, Key: empty}, true, `cannot use the admin certificate (admin.certificate = "`+certificate+`", admin.key = "`+empty+`")`)
	f(config.Admin{Certificate: certificate, Key: key, ClientCA: empty}, true, `cannot use the authorities of admin clients (admin.client_ca = "`+empty+`"): there is no certificate in it`)
	f(config.Admin{ClientCA: ca.file}, true, "they come with HTTPS only")
	f(config.Admin{Address: "10.0.0.1:1"}, false, `cannot open the admin address (admin.address = "10.0.0.1:1"): others than this machine reach it, and no credential is configured: set admin.token_file`)
	f(config.Admin{Address: "10.0.0.1:1", Certificate: certificate, Key: key}, false, "no credential is configured")
}

// The same through a whole proxy: a certificate of the authority lets in, another one and none do not; a reload
// changes who is let in, on connections that are open.
func TestAdminHTTPS(t *testing.T) {
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
		transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ours.pool, ServerName: "proxy",
			// Whatever the server would like to see: this is a client that tries.
			GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				if len(pairs) == 0 {
					return &tls.Certificate{}, nil
				}
				return &pairs[0], nil
			}}}
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
		"nothing asks them who they are")
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
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ca"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
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
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{use}}
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
