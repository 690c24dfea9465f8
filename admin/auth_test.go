package admin

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// Who may do what: read and change, on and off loopback, with and without a credential.
func TestWhoMayDoWhat(t *testing.T) {
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
		d, err := NewPolicy(c, loopback)
		require.NoError(t, err)
		a := &Server{}
		a.policy.Store(d)
		r := httptest.NewRequest(method, path, nil)
		r.Host = "127.0.0.1:9180"
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
			require.Contains(t, w.Body.String(), "admin.token_file")
		}
		if want != reached {
			require.Equal(t, "close", w.Header().Get("Connection"))
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

	both := config.Admin{TokenFile: token.TokenFile, ReadTokenFile: file("look only\n")}
	look := config.Admin{ReadTokenFile: both.ReadTokenFile}
	f(both, false, "GET", "/metrics", "Bearer look only", reached)
	f(both, false, "GET", "/metrics", "Bearer open sesame", reached)
	f(both, false, "GET", "/metrics", "Bearer look", needs)
	f(both, false, "POST", "/drain", "Bearer look only", forbidden)
	f(both, true, "POST", "/drain", "Bearer look only", forbidden)
	f(both, false, "POST", "/drain", "Bearer open sesame", reached)
	f(look, false, "GET", "/clients", "Bearer look only", reached)
	f(look, false, "POST", "/drain", "Bearer look only", forbidden)
}

// A browser's certificate must not be lent to other sites.
func TestCrossOriginRequestsAreRefused(t *testing.T) {
	d, err := NewPolicy(config.Admin{}, true)
	require.NoError(t, err)
	a := &Server{}
	a.policy.Store(d)
	r := httptest.NewRequest("POST", "/drain", nil)
	r.Host = "localhost"
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	w := httptest.NewRecorder()
	a.guard(http.NotFoundHandler()).ServeHTTP(w, r)
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Contains(t, w.Body.String(), "cross-origin")
}

// Whatever is wrong with the files is said with their keys, and off loopback nothing opens without a credential.
func TestAPolicyThatCannotBeMade(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	require.NoError(t, os.WriteFile(empty, []byte(" \n"), 0o600))
	ca := testca.New(t)
	p := ca.Files(t, dir, "proxy")
	certificate, key, authorities := p.Certificate, p.Key, filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(authorities, ca.PEM, 0o600))
	f := func(c config.Admin, loopback bool, want string) {
		t.Helper()
		_, err := NewPolicy(c, loopback)
		require.ErrorContains(t, err, want)
	}
	f(config.Admin{TokenFile: empty}, true, `cannot use the admin token (admin.token_file = "`+empty+`"): the file is empty`)
	f(config.Admin{TokenFile: "nowhere"}, true, `cannot use the admin token (admin.token_file = "nowhere"): open nowhere: no such file`)
	f(config.Admin{Certificate: certificate, Key: empty}, true, `cannot use the admin certificate (admin.certificate = "`+certificate+`", admin.key = "`+empty+`")`)
	f(config.Admin{Certificate: certificate, Key: key, ClientCA: empty}, true, `cannot use the authorities of admin clients (admin.client_ca = "`+empty+`"): there is no certificate in it`)
	f(config.Admin{ClientCA: authorities}, true, "they come with HTTPS only")
	f(config.Admin{Address: "10.0.0.1:1"}, false, `cannot open the admin address (admin.address = "10.0.0.1:1"): others than this machine reach it, and no credential is configured: set admin.token_file`)
	f(config.Admin{Address: "10.0.0.1:1", Certificate: certificate, Key: key}, false, "no credential is configured")
}

// On a loopback address a web page cannot have a browser ask under a name of its own.
func TestHostsOnLoopback(t *testing.T) {
	for host, allowed := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:9180": true, "[::1]:9180": true, "[::1]": true, "10.1.2.3": true, "localhost": true, "LOCALHOST:1": true, "": true,
		"localhost.": true, "proxy.internal": true, "Proxy.Internal:9180": true,
		"attacker.example": false, "attacker.example:9180": false, "localhost.attacker.example": false, "127.0.0.1.attacker.example": false, "proxy": false,
	} {
		p, err := NewPolicy(config.Admin{Hosts: []string{"proxy.internal"}}, true)
		require.NoError(t, err)
		s := &Server{}
		s.policy.Store(p)
		r := httptest.NewRequest("GET", "/clients", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.guard(http.NotFoundHandler()).ServeHTTP(w, r)
		if allowed {
			require.Equal(t, http.StatusNotFound, w.Code, host)
			continue
		}
		require.Equal(t, http.StatusForbidden, w.Code, host)
		require.Contains(t, w.Body.String(), "admin.hosts")
		require.True(t, (&Policy{}).hostAllowed(host), "off loopback there is a credential")
	}
}
