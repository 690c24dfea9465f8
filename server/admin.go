package server

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// admin is the HTTP server for operators. Who may do what there is in door.go.
type admin struct {
	ln   net.Listener
	srv  *http.Server
	door atomic.Pointer[door]
}

func (a *admin) addr() string { return a.ln.Addr().String() }

func (a *admin) serve() { go a.srv.Serve(&doorway{a.ln, &a.door}) }

func (a *admin) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	a.srv.Shutdown(ctx)
}

// serveAdmin opens the admin address. Nobody is answered before serve is called.
func (s *Server) serveAdmin(c config.Admin) (*admin, error) {
	ln, err := net.Listen("tcp", c.Address)
	if err != nil {
		return nil, fmt.Errorf("cannot open the admin address (admin.address = %q): %w", c.Address, err)
	}
	a := &admin{ln: ln}
	d, err := newDoor(c, a.loopback())
	if err != nil {
		ln.Close()
		return nil, err
	}
	d.warn(s.log)
	a.door.Store(d)
	a.srv = &http.Server{Handler: a.guard(s.adminPages()), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)} // mostly TLS hand-shakes that failed
	return a, nil
}

// loopback tells whether only this machine reaches the address.
func (a *admin) loopback() bool {
	tcp, ok := a.ln.Addr().(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

func (s *Server) adminPages() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.handleMetrics)
	mux.HandleFunc("GET /stats", s.handleStats)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", s.handleReady)
	mux.HandleFunc("GET /clients", s.handleClients)
	mux.HandleFunc("GET /upstreams", s.handleUpstreams)
	mux.HandleFunc("GET /brokers", s.handleBrokers)
	mux.HandleFunc("GET /actors", s.handleActors)
	mux.HandleFunc("GET /{$}", handleIndex)
	mux.HandleFunc("POST /reload", s.handleReload)
	mux.HandleFunc("POST /drain", s.handleDrain)
	s.profiles(mux)
	return mux
}

func handleIndex(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, "rocketmq-proxy\n\n/metrics   Prometheus text\n/stats     the 27 statistics, one a line\n/healthz   the process lives\n"+
		"/readyz    it serves\n/clients   client connections\n/upstreams broker connections\n/brokers   brokers and their ports\n/actors    the supervision tree\n"+
		"/reload    POST: read the configuration again\n/drain     POST: end in good order\n/debug/pprof/   profiles, with admin.pprof = true\n")
}

func (s *Server) handleMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.writeMetrics(w)
}

func (s *Server) handleStats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	s.statistics().WriteText(w)
}

func (s *Server) handleReady(w http.ResponseWriter, _ *http.Request) {
	if why := s.notReady(); len(why) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, strings.Join(why, "\n")+"\n")
		return
	}
	io.WriteString(w, "ready\n")
}

func (s *Server) handleClients(w http.ResponseWriter, _ *http.Request) {
	reports := s.report()
	if reports == nil {
		reports = []*messages.ClientReport{}
	}
	writeJSON(w, reports)
}

func (s *Server) handleUpstreams(w http.ResponseWriter, _ *http.Request) {
	upstreams := []*messages.UpstreamReport{}
	for _, r := range s.report() {
		if r.Upstream != nil {
			upstreams = append(upstreams, r.Upstream)
		}
	}
	writeJSON(w, upstreams)
}

// brokerReport is one broker behind one listener.
type brokerReport struct {
	Name       string `json:"name"`
	ID         int64  `json:"id"`
	Cluster    string `json:"cluster"`
	Upstream   string `json:"upstream"`
	Listener   string `json:"listener"`
	Advertised string `json:"advertised"` // "": it has no port, see the log
	Port       int    `json:"port"`
	Up         bool   `json:"up"` // false: it takes no connections, and its port is closed
}

func (s *Server) handleBrokers(w http.ResponseWriter, _ *http.Request) {
	list := []brokerReport{}
	for _, l := range s.proxy.Tree().Listeners {
		for _, b := range l.Cluster.Snapshot().Brokers() {
			r := brokerReport{Name: b.ID.Name, ID: b.ID.ID, Cluster: b.Known().Cluster, Upstream: b.Address(), Listener: l.Name}
			if p, ok := l.PortOf(b.ID); ok {
				r.Advertised, r.Port, r.Up = p.Advertised, p.Port, !b.Away()
			}
			list = append(list, r)
		}
	}
	writeJSON(w, list)
}

func (s *Server) handleActors(w http.ResponseWriter, _ *http.Request) { writeJSON(w, s.proxy.Health()) }

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(v)
}
