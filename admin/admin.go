// Package admin is the HTTP server for operators: pages about the proxy, metrics, and two commands, reload and drain.
//
// # Pages
//
//	/metrics            Prometheus text
//	/stats              the 27 statistics, one a line, as Envoy writes them
//	/healthz, /readyz   liveness; readiness, 503 with the reasons
//	/clients            client connections    ?search=&listener=&broker=&sort=&limit=&offset=
//	/upstreams          their broker connections, with the same parameters
//	/brokers            brokers and their ports
//	/actors             the supervision tree
//	/debug/pprof/       Go's profiles, with admin.pprof
//	POST /reload        reads the configuration again
//	POST /drain         ends in good order
//	/api/v1/maintenance what is in maintenance: POST ?cluster=&broker=&topic=&mode=&grace=, DELETE with the same target
//	/api/v1/pause       brokers that are paused: POST and DELETE ?cluster=&broker=
//
// # Who may do what
//
//	/healthz, /readyz   are open everywhere: probes have no credentials
//	reading             is open on a loopback address, and needs a credential on any other
//	POST, DELETE        always needs a credential that may change things; while none is configured it is refused
//
// A credential is the token of admin.token_file or a client certificate of one of the authorities, which may do
// everything, or the token of admin.read_token_file, which may read. On a loopback address the Host header must be an
// IP address, localhost, or one of admin.hosts: a web page cannot make a browser ask under a name of its own.
//
// [metrics] address is a second server with /metrics, /healthz and /readyz alone, open to everybody.
//
// # Limits
//
// A request must arrive, and its answer be read, within a time; idle connections are closed; and each of the two servers
// has at most some hundreds of connections. So a stranger without a credential cannot hold descriptors that clients need.
package admin

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// Backend is what the pages show and command, beside the actors.
type Backend interface {
	// NotReady lists what is missing until clients can be served; empty: nothing.
	NotReady() []string
	WriteMetrics(w io.Writer)
	// Reload returns what has changed, as text. Errors that are the configuration's are a *config.Problems or
	// ErrNotPrepared, those that only another moment can mend are ErrNotNow.
	Reload() (changes fmt.Stringer, err error)
	// Drain makes the proxy end in good order. It returns at once.
	Drain()
	Operations
}

const (
	readTimeout  = 10 * time.Second // of a whole request; no page reads a body
	writeTimeout = 30 * time.Second // of an answer, but for profiles
	idleTimeout  = 30 * time.Second // between two requests
	headerLimit  = 16 << 10         // bytes of a request's header
	// connectionLimit is for each of the two servers.
	connectionLimit = 256
)

// Server is one HTTP server for operators.
type Server struct {
	ln     net.Listener
	http   *http.Server
	policy atomic.Pointer[Policy] // nil: of the metrics address, which is open
}

// Addr is the address that it listens on.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Loopback reports that only this machine reaches the address.
func (s *Server) Loopback() bool {
	tcp, ok := s.ln.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// Listen opens the admin address. Nothing is answered before Serve is called.
func Listen(c config.Admin, log *slog.Logger, proxy *actors.Proxy, backend Backend) (*Server, error) {
	ln, err := net.Listen("tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot open the admin address %s: %w; choose another admin.address", c.Address, err)
	}
	s := &Server{ln: ln}
	p, err := NewPolicy(c, s.Loopback())
	if err != nil {
		ln.Close()
		return nil, err
	}
	s.Use(p, log)
	pages := &pages{proxy: proxy, backend: backend, log: log, pprof: func() bool { return s.policy.Load().pprof }}
	s.http = newHTTP(s.guard(pages.all()), log)
	return s, nil
}

// ListenMetrics opens the address of metrics and probes; nil when there is none.
func ListenMetrics(c config.Metrics, log *slog.Logger, backend Backend) (*Server, error) {
	if c.Address == "" {
		return nil, nil
	}
	ln, err := net.Listen("tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot open the metrics address %s: %w; choose another metrics.address", c.Address, err)
	}
	s := &Server{ln: ln}
	s.http = newHTTP(bounded((&pages{backend: backend, log: log}).open()), log)
	return s, nil
}

func newHTTP(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: headerLimit,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	} // mostly TLS handshakes that failed
}

// bounded gives the client some time to take an answer, and ends the connection of one that sends a body: reading the
// rest of it is not worth the wait.
func bounded(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := http.NewResponseController(w)
		_ = c.SetWriteDeadline(time.Now().Add(writeTimeout)) // not supported: by tests only
		if r.ContentLength != 0 {
			w.Header().Set("Connection", "close")
			_ = c.SetReadDeadline(time.Now())
		}
		h.ServeHTTP(w, r)
	})
}

// Use puts another policy in force, also for connections that are open.
func (s *Server) Use(p *Policy, log *slog.Logger) {
	p.warn(log)
	s.policy.Store(p)
}

// Serve answers from now on, on goroutines of its own.
func (s *Server) Serve() {
	if s != nil {
		go s.http.Serve(&listener{Listener: limited(s.ln, connectionLimit), policy: &s.policy})
	}
}

// Close ends what is being answered within a second.
func (s *Server) Close() {
	if s == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		s.http.Close()
	}
	s.ln.Close() // it may never have been served
}
