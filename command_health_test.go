package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// health is 0 if and only if /readyz is 200.
func TestHealth(t *testing.T) {
	status := http.StatusOK
	pages := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path != "/readyz":
			w.WriteHeader(http.StatusNotFound)
		case r.Header.Get("Authorization") != "" && r.Header.Get("Authorization") != "Bearer hush":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.WriteHeader(status)
			w.Write([]byte("draining\nlistener main is not open\n"))
		}
	})
	plain := httptest.NewServer(pages)
	defer plain.Close()
	f := func(code int, stderr string, args ...string) {
		t.Helper()
		gotCode, stdout, gotErr := call([]string{"HTTP_PROXY=http://127.0.0.1:1"}, append([]string{"health"}, args...)...)
		require.Equal(t, code, gotCode, gotErr)
		require.Equal(t, code == 0, stdout == "ready\n")
		require.Contains(t, gotErr, stderr)
	}
	f(0, "", "--admin", plain.URL)
	f(0, "", "--admin", plain.URL+"/")
	f(0, "", "--admin", plain.Listener.Addr().String())
	status = http.StatusServiceUnavailable
	f(1, "not ready: 503 Service Unavailable: draining; listener main is not open\n", "--admin", plain.URL)
	status = http.StatusNoContent
	f(1, "not ready: 204", "--admin", plain.URL)
	status = http.StatusOK

	token := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(token, []byte("hush\n"), 0o600))
	f(0, "", "--admin", plain.URL, "--token-file", token)
	require.NoError(t, os.WriteFile(token, []byte("wrong\n"), 0o600))
	f(1, "not ready: 401", "--admin", plain.URL, "--token-file", token)
	f(1, "cannot read --token-file", "--admin", plain.URL, "--token-file", token+".none")

	secured := httptest.NewTLSServer(pages)
	defer secured.Close()
	f(1, "cannot reach the proxy", "--admin", secured.URL)

	plain.Close()
	f(1, "cannot reach the proxy", "--admin", plain.URL)
	f(2, "unexpected argument", "now")
}

// Only /readyz itself counts: a page that another server at the address leads to says nothing about the proxy, and what
// it writes does not reach the terminal as it is.
func TestHealthOfAnotherServer(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.Header().Set("Location", "/login")
			w.WriteHeader(http.StatusFound)
			w.Write([]byte("\x1b[2J\x07elsewhere\r\n"))
		}
	}))
	defer other.Close()
	code, stdout, stderr := call(nil, "health", "--admin", other.URL)
	require.Equal(t, 1, code)
	require.Empty(t, stdout)
	require.Equal(t, "not ready: 302 Found: [2Jelsewhere\n", stderr)
}
