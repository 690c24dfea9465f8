package admin

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
)

// asked is a backend that counts what it was asked for.
type asked struct {
	Backend
	times int
}

func (a *asked) Drain()                      { a.times++ }
func (a *asked) Pause(_, _ string) error     { a.times++; return nil }
func (a *asked) Resume(_, _ string) error    { a.times++; return nil }
func (a *asked) Maintain(Maintained) error   { a.times++; return nil }
func (a *asked) EndMaintenance(Target) error { a.times++; return nil }
func (a *asked) Maintenance() []Maintained   { return nil }
func (a *asked) Pauses() []Paused            { return nil }

// A parameter that a page does not know would be left out of what it does: the whole proxy would be drained, or a pause never
// end.
func TestUnknownParametersAreRefused(t *testing.T) {
	backend := &asked{}
	pages := (&pages{backend: backend, log: slog.New(slog.DiscardHandler)}).all()
	f := func(method, path, why string) {
		t.Helper()
		w, before := httptest.NewRecorder(), backend.times
		pages.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		if why == "" {
			require.Less(t, w.Code, 300, w.Body)
			require.Equal(t, before+1, backend.times)
			return
		}
		require.Equal(t, http.StatusBadRequest, w.Code)
		require.Equal(t, why+"\n", w.Body.String())
		require.Equal(t, before, backend.times)
	}
	f("POST", "/drain?broker=a", "unknown parameter broker=; may be: none")
	f("POST", "/reload?listener=a", "unknown parameter listener=; may be: none")
	f("POST", "/drain", "")
	f("POST", "/api/v1/pause?broker=a&duration=5s", "unknown parameter duration=; may be: cluster, broker")
	f("DELETE", "/api/v1/pause?broker=a&broker=b", "broker= is given more than once")
	f("POST", "/api/v1/pause?broker=a", "")
	f("DELETE", "/api/v1/pause?broker=a", "")
	f("POST", "/api/v1/maintenance?broker=a&mod=off", "unknown parameter mod=; may be: cluster, broker, topic, mode, grace")
	f("POST", "/api/v1/maintenance?broker=a&topic=%zz", `cannot read the parameters: invalid URL escape "%zz"`)
	f("DELETE", "/api/v1/maintenance?cluster=a&topics=b", "unknown parameter topics=; may be: cluster, broker, topic")
	f("POST", "/api/v1/maintenance?broker=a&mode=off&grace=0s", "")
	f("GET", "/clients?limt=10", "unknown parameter limt=; may be: search, listener, broker, sort, limit, offset")
	f("GET", "/upstreams?client=a", "unknown parameter client=; may be: search, listener, broker, sort, limit, offset")
}
