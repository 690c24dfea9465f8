package admin

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// Errors of Backend.Reload that are not the proxy's own failures.
var (
	ErrNotPrepared = errors.New("cannot do what the configuration says") // the machine does not give what is asked for
	ErrNotNow      = errors.New("cannot reload")
)

// pages answers requests that are allowed.
type pages struct {
	proxy   *actors.Proxy
	backend Backend
	log     *slog.Logger
	pprof   func() bool
}

// open are the pages that need no credential at metrics.address.
func (p *pages) open() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", p.metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", p.ready)
	return mux
}

func (p *pages) all() http.Handler {
	mux := p.open()
	mux.HandleFunc("GET /stats", p.stats)
	mux.HandleFunc("GET /clients", only(p.clients, parametersOfLists...))
	mux.HandleFunc("GET /upstreams", only(p.upstreams, parametersOfLists...))
	mux.HandleFunc("GET /brokers", p.brokers)
	mux.HandleFunc("GET /actors", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.proxy.Health()) })
	mux.HandleFunc("GET /{$}", index)
	mux.HandleFunc("POST /reload", only(p.reload))
	mux.HandleFunc("POST /drain", only(p.drain))
	p.operations(mux)
	p.profiles(mux)
	return mux
}

// Index names every page, one a line.
const Index = `rocketmq-proxy

/metrics   Prometheus text
/stats     the 27 statistics, one a line
/healthz   liveness
/readyz    readiness
/clients   client connections
/upstreams broker connections
/brokers   brokers and their ports
/actors    the supervision tree
/reload    POST: read the configuration again
/drain     POST: end in good order
/api/v1/maintenance   what is in maintenance; POST and DELETE
/api/v1/pause         brokers that are paused; POST and DELETE
/debug/pprof/   profiles, with admin.pprof = true
`

func index(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, Index) }

func (p *pages) metrics(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	p.backend.WriteMetrics(w)
}

func (p *pages) stats(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	p.proxy.Statistics().WriteText(w)
}

func (p *pages) ready(w http.ResponseWriter, _ *http.Request) {
	if why := p.backend.NotReady(); len(why) > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, strings.Join(why, "\n")+"\n")
		return
	}
	io.WriteString(w, "ready\n")
}

// reload answers what has changed, or everything that is wrong.
func (p *pages) reload(w http.ResponseWriter, _ *http.Request) {
	changes, err := p.backend.Reload()
	var bad *config.Problems
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, changes.String())
	case errors.As(err, &bad), errors.Is(err, ErrNotPrepared):
		refuse(w, http.StatusBadRequest, "cannot reload, nothing has changed\n"+err.Error())
	case errors.Is(err, ErrNotNow):
		refuse(w, http.StatusConflict, err.Error())
	default:
		refuse(w, http.StatusInternalServerError, err.Error())
	}
}

// drain answers before the end has begun to take the admin address away.
func (p *pages) drain(w http.ResponseWriter, r *http.Request) {
	p.log.Info("drain requested", "client", r.RemoteAddr)
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, "draining\n")
	p.backend.Drain()
}

// profiles serves Go's profiles while admin.pprof is on. They may take as long as they were asked to.
func (p *pages) profiles(mux *http.ServeMux) {
	for path, page := range map[string]http.HandlerFunc{
		"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile,
		"symbol": pprof.Symbol, "trace": pprof.Trace,
	} {
		mux.HandleFunc("GET /debug/pprof/"+path, func(w http.ResponseWriter, r *http.Request) {
			if !p.pprof() {
				refuse(w, http.StatusNotFound, "profiles are off; set admin.pprof = true and reload")
				return
			}
			c := http.NewResponseController(w)
			_ = c.SetReadDeadline(time.Time{})
			_ = c.SetWriteDeadline(time.Time{})
			page(w, r)
		})
	}
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.Encode(v)
}
