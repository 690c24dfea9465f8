package server

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// The rules of the admin door:
//
//	/healthz, /readyz   are open everywhere: probes have no credentials
//	reading             is open on a loopback address, and needs a credential on any other
//	POST                always needs a credential; as long as none is configured it is refused
//
// A credential is the token, or a client certificate of one of the authorities.

// door is a set of these rules. It never changes; a reload hangs another one.
type door struct {
	open    bool               // reading needs no credential
	token   *[sha256.Size]byte // its hash, so that comparing tells nothing about its length either; nil: none
	clients *x509.CertPool     // whose certificates are credentials; nil: nobody's
	tls     *tls.Config        // nil: plain HTTP
	pprof   bool
}

var errNoCredential = errors.New("no credential is configured: set admin.token_file, or admin.client_ca with admin.certificate and admin.key")

// newDoor reads the files that an [admin] table names.
func newDoor(c config.Admin, loopback bool) (d *door, err error) {
	d = &door{open: loopback, pprof: c.Pprof}
	if c.TokenFile != "" {
		if d.token, err = readToken(c.TokenFile); err != nil {
			return nil, fmt.Errorf("cannot use the admin token (admin.token_file = %q): %w", c.TokenFile, err)
		}
	}
	if c.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot use the admin certificate (admin.certificate = %q, admin.key = %q): %w", c.Certificate, c.Key, err)
		}
		d.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	}
	if c.ClientCA != "" {
		if d.clients, err = readAuthorities(c.ClientCA); err != nil {
			return nil, fmt.Errorf("cannot use the authorities of admin clients (admin.client_ca = %q): %w", c.ClientCA, err)
		}
		if d.tls == nil {
			return nil, errors.New("cannot ask for client certificates (admin.client_ca): they come with HTTPS only; set admin.certificate and admin.key")
		}
		// Certificates are asked for here and judged in admits: so a stranger reads why, and a reload counts at once.
		d.tls.ClientAuth, d.tls.ClientCAs = tls.RequestClientCert, d.clients
	}
	if !loopback && !d.hasCredential() {
		return nil, fmt.Errorf("cannot open the admin address (admin.address = %q): others than this machine reach it, and %w", c.Address, errNoCredential)
	}
	return d, nil
}

func readToken(file string) (*[sha256.Size]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return nil, errors.New("the file is empty; write a long random word into it, such as from: openssl rand -hex 32")
	}
	hash := sha256.Sum256([]byte(token))
	return &hash, nil
}

func readAuthorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("there is no certificate in it; write them in PEM")
	}
	return pool, nil
}

func (d *door) hasCredential() bool { return d.token != nil || d.clients != nil }

// warn tells what is allowed and not wise.
func (d *door) warn(log *slog.Logger) {
	if !d.open && d.tls == nil {
		log.Warn("the admin token crosses the network in the clear; set admin.certificate and admin.key")
	}
}

// admits tells whether a request carries a credential.
func (d *door) admits(r *http.Request) bool {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if d.token != nil && strings.EqualFold(kind, "Bearer") {
		hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
		if subtle.ConstantTimeCompare(hash[:], d.token[:]) == 1 {
			return true
		}
	}
	return d.clients != nil && r.TLS != nil && d.vouched(r.TLS.PeerCertificates)
}

// vouched tells whether one of our authorities stands behind a client's certificate. The hand-shake has proved that
// the client has its key.
func (d *door) vouched(chain []*x509.Certificate) bool {
	if len(chain) == 0 {
		return false
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: d.clients, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err == nil
}

// guard lets through what the door allows.
func (a *admin) guard(pages http.Handler) http.Handler {
	return http.NewCrossOriginProtection().Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d := a.door.Load()
		reads := r.Method == http.MethodGet || r.Method == http.MethodHead
		switch {
		case reads && (d.open || r.URL.Path == "/healthz" || r.URL.Path == "/readyz"):
		case !reads && !d.hasCredential():
			refuse(w, http.StatusForbidden, r.Method+" needs a credential, and "+errNoCredential.Error()+"; then send SIGHUP")
			return
		case !d.admits(r):
			w.Header().Set("WWW-Authenticate", `Bearer realm="rocketmq-proxy"`)
			refuse(w, http.StatusUnauthorized, `this needs a credential: the token of admin.token_file as "Authorization: Bearer ...", or a client certificate of admin.client_ca`)
			return
		}
		pages.ServeHTTP(w, r)
	}))
}

// refuse answers with plain text, as all pages that fail do.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	io.WriteString(w, why+"\n")
}

// doorway speaks HTTPS on connections that come while the door asks for it.
type doorway struct {
	net.Listener
	door *atomic.Pointer[door]
}

func (d *doorway) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if now := d.door.Load(); err == nil && now.tls != nil {
		return tls.Server(conn, now.tls), nil
	}
	return conn, err
}
