package server

import (
	"errors"
	"io"
	"net/http"
	"net/http/pprof"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// handleReload answers what has changed, or everything that is wrong.
func (s *Server) handleReload(w http.ResponseWriter, _ *http.Request) {
	result, err := s.Reload()
	var bad *config.Problems
	switch {
	case err == nil:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		io.WriteString(w, result.String())
	case errors.As(err, &bad), errors.Is(err, errNotPrepared):
		refuse(w, http.StatusBadRequest, "cannot reload, nothing has changed\n"+err.Error())
	case errors.Is(err, errDraining), errors.Is(err, errNoSource):
		refuse(w, http.StatusConflict, err.Error())
	default:
		refuse(w, http.StatusInternalServerError, err.Error())
	}
}

// handleDrain answers before the end has begun to take the admin address away.
func (s *Server) handleDrain(w http.ResponseWriter, r *http.Request) {
	s.log.Info("asked to drain", "by", r.RemoteAddr)
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, "draining\n")
	s.Drain()
}

// profiles serves Go's profiles while admin.pprof is on.
func (s *Server) profiles(mux *http.ServeMux) {
	for path, page := range map[string]http.HandlerFunc{"": pprof.Index, "cmdline": pprof.Cmdline, "profile": pprof.Profile,
		"symbol": pprof.Symbol, "trace": pprof.Trace} {
		mux.HandleFunc("GET /debug/pprof/"+path, func(w http.ResponseWriter, r *http.Request) {
			if !s.admin.door.Load().pprof {
				refuse(w, http.StatusNotFound, "profiles are off; set admin.pprof = true and reload")
				return
			}
			page(w, r)
		})
	}
}
