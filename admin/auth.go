package admin

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
	"net/netip"
	"slices"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// role is what a credential allows.
type role int

const (
	stranger role = iota
	reader        // may read
	operator      // may read and change
)

// Policy says who may do what. It never changes; a reload puts another one in force.
type Policy struct {
	loopback  bool     // reading needs no credential, and hosts are checked
	hosts     []string // that may be asked for, beside IP addresses and localhost
	token     *[sha256.Size]byte
	readToken *[sha256.Size]byte // hashes, so that comparing reveals nothing about a length either; nil: none
	clients   *x509.CertPool     // whose certificates are credentials; nil: none
	tls       *tls.Config        // nil: plain HTTP
	pprof     bool
}

var (
	errNoCredential = errors.New("no credential is configured: set admin.token_file, or admin.client_ca with admin.certificate and admin.key")
	errNoOperator   = errors.New("no credential that may change things is configured: set admin.token_file, or admin.client_ca with admin.certificate and admin.key")
)

// ErrSameToken is about two files with one token: it would be that of the role that may do more.
var ErrSameToken = errors.New("its token is also that of admin.token_file")

// NewPolicy reads the files that an [admin] table names.
func NewPolicy(c config.Admin, loopback bool) (p *Policy, err error) {
	p = &Policy{loopback: loopback, hosts: c.Hosts, pprof: c.Pprof}
	if p.token, err = readToken("admin.token_file", c.TokenFile); err != nil {
		return nil, err
	}
	if p.readToken, err = readToken("admin.read_token_file", c.ReadTokenFile); err != nil {
		return nil, err
	}
	if p.token != nil && p.readToken != nil && *p.token == *p.readToken {
		return nil, fmt.Errorf("cannot use the admin token (admin.read_token_file = %q): %w; write another one into it", c.ReadTokenFile, ErrSameToken)
	}
	if c.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, fmt.Errorf("cannot use the admin certificate (admin.certificate = %q, admin.key = %q): %w", c.Certificate, c.Key, err)
		}
		p.tls = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	}
	if c.ClientCA != "" {
		if p.clients, err = readAuthorities(c.ClientCA); err != nil {
			return nil, fmt.Errorf("cannot use the authorities of admin clients (admin.client_ca = %q): %w", c.ClientCA, err)
		}
		if p.tls == nil {
			return nil, errors.New("cannot ask for client certificates (admin.client_ca): they come with HTTPS only; set admin.certificate and admin.key")
		}
		// Certificates are asked for here and judged in roleOf: so a stranger reads why, and a reload counts at once.
		p.tls.ClientAuth, p.tls.ClientCAs = tls.RequestClientCert, p.clients
	}
	if !loopback && p.token == nil && p.readToken == nil && p.clients == nil {
		return nil, fmt.Errorf("cannot open the admin address (admin.address = %q): others than this machine reach it, and %w", c.Address, errNoCredential)
	}
	return p, nil
}

// readToken reads the file that a key names; nil: it names none.
func readToken(key, file string) (*[sha256.Size]byte, error) {
	if file == "" {
		return nil, nil
	}
	text, err := config.ReadFile(file)
	token := strings.TrimSpace(string(text))
	if err == nil && token == "" {
		err = errors.New("the file is empty; write a long random word into it, such as from: openssl rand -hex 32")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot use the admin token (%s = %q): %w", key, file, err)
	}
	hash := sha256.Sum256([]byte(token))
	return &hash, nil
}

func readAuthorities(file string) (*x509.CertPool, error) {
	text, err := config.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("there is no certificate in it; write them in PEM")
	}
	return pool, nil
}

func (p *Policy) hasOperator() bool { return p.token != nil || p.clients != nil }

// warn logs what is allowed and not wise.
func (p *Policy) warn(log *slog.Logger) {
	if !p.loopback && p.tls == nil {
		log.Warn("admin token crosses the network unencrypted", "remedy", "set admin.certificate and admin.key")
	}
}

// roleOf is the role of a request's credential.
func (p *Policy) roleOf(r *http.Request) role {
	kind, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(kind, "Bearer") {
		hash := sha256.Sum256([]byte(strings.TrimSpace(token)))
		switch {
		case equal(&hash, p.token):
			return operator
		case equal(&hash, p.readToken):
			return reader
		}
	}
	if p.clients != nil && r.TLS != nil && p.vouchedFor(r.TLS.PeerCertificates) {
		return operator
	}
	return stranger
}

func equal(hash, want *[sha256.Size]byte) bool {
	return want != nil && subtle.ConstantTimeCompare(hash[:], want[:]) == 1
}

// vouchedFor reports that one of our authorities stands behind a client's certificate. The handshake has proved that the
// client has its key.
func (p *Policy) vouchedFor(chain []*x509.Certificate) bool {
	if len(chain) == 0 {
		return false
	}
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: p.clients, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return err == nil
}

// hostAllowed reports that a request was meant for us: a browser that was led here by another site's name says so in
// Host. HTTP/1.0 needs none, and no browser speaks it.
func (p *Policy) hostAllowed(host string) bool {
	if !p.loopback || host == "" {
		return true
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ".")
	if _, err := netip.ParseAddr(host); err == nil || strings.EqualFold(host, "localhost") {
		return true
	}
	return slices.ContainsFunc(p.hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// authorize returns 0 when a request may go on, else how it is refused.
func (p *Policy) authorize(r *http.Request) (status int, why string) {
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	if !p.hostAllowed(r.Host) {
		return http.StatusForbidden, "this host is not allowed; use an IP address or localhost, or add the name to admin.hosts"
	}
	if reads && (p.loopback || r.URL.Path == "/healthz" || r.URL.Path == "/readyz") {
		return 0, ""
	}
	if !reads && !p.hasOperator() {
		return http.StatusForbidden, r.Method + " needs a credential, and " + errNoOperator.Error() + "; then send SIGHUP"
	}
	switch role := p.roleOf(r); {
	case role == operator, role == reader && reads:
		return 0, ""
	case role == reader:
		return http.StatusForbidden, "the token of admin.read_token_file may read and not change anything; use that of admin.token_file"
	}
	return http.StatusUnauthorized, `this needs a credential: the token of admin.token_file as "Authorization: Bearer ...", or a client certificate of admin.client_ca`
}

// guard lets through what the policy allows. A connection that was refused ends: what else it would send is not read.
func (s *Server) guard(pages http.Handler) http.Handler {
	authorized := bounded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, why := s.policy.Load().authorize(r)
		switch status {
		case 0:
			pages.ServeHTTP(w, r)
			return
		case http.StatusUnauthorized:
			w.Header().Set("WWW-Authenticate", `Bearer realm="rocketmq-proxy"`)
		}
		w.Header().Set("Connection", "close")
		refuse(w, status, why)
	}))
	crossOrigin := http.NewCrossOriginProtection()
	crossOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "close")
		refuse(w, http.StatusForbidden, "cross-origin request refused")
	}))
	return crossOrigin.Handler(authorized)
}

// refuse answers with plain text, as all pages that fail do.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	io.WriteString(w, why+"\n")
}
