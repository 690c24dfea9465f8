package server

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// admin is the HTTP server for operators.
type admin struct {
	ln  net.Listener
	srv *http.Server
}

func (a *admin) addr() string { return a.ln.Addr().String() }

func (a *admin) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	a.srv.Shutdown(ctx)
}

// serveAdmin opens the admin address.
func (s *Server) serveAdmin(address string) (*admin, error) {
	ln, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
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
	a := &admin{ln: ln, srv: &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}}
	go a.srv.Serve(ln)
	return a, nil
}

func handleIndex(w http.ResponseWriter, _ *http.Request) {
	io.WriteString(w, "rocketmq-proxy\n\n/metrics   Prometheus text\n/stats     the 27 statistics, one a line\n/healthz   the process lives\n"+
		"/readyz    it serves\n/clients   client connections\n/upstreams broker connections\n/brokers   brokers and their ports\n/actors    the supervision tree\n")
}

func (s *Server) handleMetrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	s.writeMetrics(w)
}

func (s *Server) handleStats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	s.tree.Statistics.WriteText(w)
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
}

func (s *Server) handleBrokers(w http.ResponseWriter, _ *http.Request) {
	list := []brokerReport{}
	for _, l := range s.tree.Listeners {
		for _, b := range l.Directory.View.Brokers() {
			r := brokerReport{Name: b.Name, ID: b.ID, Cluster: b.Cluster, Upstream: b.Address, Listener: l.Name}
			if p, ok := l.Place(b.BrokerID); ok {
				r.Advertised, r.Port = p.Advertised, p.Port
			}
			list = append(list, r)
		}
	}
	writeJSON(w, list)
}

// actorReport is one live actor with its children.
type actorReport struct {
	Name      string         `json:"name"`
	Kind      string         `json:"kind"`
	Restarts  int            `json:"restarts"`
	LastError string         `json:"last_error,omitempty"`
	LastAt    *time.Time     `json:"last_error_at,omitempty"`
	Children  []*actorReport `json:"children,omitempty"`
}

// actorsReport is the tree, and the last failures of all actors, of those that are gone as well.
type actorsReport struct {
	*actorReport
	Failures []actors.FailureEvent `json:"failures"` // the latest first
}

func (s *Server) handleActors(w http.ResponseWriter, _ *http.Request) {
	failures := s.env.Failures.Recent()
	if failures == nil {
		failures = []actors.FailureEvent{}
	}
	writeJSON(w, actorsReport{s.actorTree(), failures})
}

// actorTree builds the supervision tree from the ids of live actors: a parent's id is the longest live prefix.
func (s *Server) actorTree() *actorReport {
	ids := s.env.Actors(actors.Root)
	slices.Sort(ids)
	nodes := map[string]*actorReport{}
	root := &actorReport{Name: actors.Root, Kind: actors.Root}
	for _, id := range ids {
		f := s.env.Failures.Of(id)
		n := &actorReport{Name: id, Kind: actors.Kind(id), Restarts: f.Count, LastError: f.Last}
		if !f.At.IsZero() {
			n.LastAt = &f.At
		}
		nodes[id] = n
		if id == actors.Root {
			root = n
			continue
		}
		parent := root
		for up := id; ; {
			i := strings.LastIndexByte(up, '/')
			if i < 0 {
				break
			}
			up = up[:i]
			if p := nodes[up]; p != nil {
				parent = p
				break
			}
		}
		parent.Children = append(parent.Children, n)
	}
	return root
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(v)
}
