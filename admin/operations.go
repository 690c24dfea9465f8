package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Target is what is in maintenance: all that are not "" must agree.
type Target struct {
	Cluster string `json:"cluster"`
	Broker  string `json:"broker"`
	Topic   string `json:"topic"`
}

// String names it in errors.
func (t Target) String() string {
	var words []string
	for _, part := range [...][2]string{{"topic", t.Topic}, {"broker", t.Broker}, {"cluster", t.Cluster}} {
		if part[1] != "" {
			words = append(words, part[0]+" "+part[1])
		}
	}
	return strings.Join(words, " of ")
}

// Maintained is something that is in maintenance.
type Maintained struct {
	Target
	Mode   string    `json:"mode"` // route.ModeReadOnly or route.ModeOff
	Since  time.Time `json:"since"`
	Grace  float64   `json:"grace_seconds"`
	Source string    `json:"source"` // FromFile or FromAPI
}

// Who has put something into maintenance.
const (
	FromFile = "file"
	FromAPI  = "api"
)

// Paused is a broker that is paused.
type Paused struct {
	Cluster string    `json:"cluster"`
	Broker  string    `json:"broker"`
	Since   time.Time `json:"since"`
	Parked  int64     `json:"parked"` // requests that wait for the end
}

// Operations take parts of the clusters out of use for a while. Errors that are the asker's are ErrUnknown or ErrInFile; with
// any other what was asked for is in effect, and could not be kept.
type Operations interface {
	Maintenance() []Maintained
	Maintain(m Maintained) error
	EndMaintenance(t Target) error
	Pauses() []Paused
	Pause(cluster, broker string) error
	Resume(cluster, broker string) error
}

// Errors of Operations.
var (
	ErrUnknown = errors.New("there is none of that name")
	ErrInFile  = errors.New("the configuration file has a [[maintenance]] for it; change that and reload")
)

func (p *pages) operations(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/maintenance", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.backend.Maintenance()) })
	mux.HandleFunc("POST /api/v1/maintenance", only(p.maintain, "cluster", "broker", "topic", "mode", "grace"))
	mux.HandleFunc("DELETE /api/v1/maintenance", only(func(w http.ResponseWriter, r *http.Request) {
		if t, ok := target(w, r.URL.Query()); ok {
			done(w, p.backend.EndMaintenance(t), func() any { return p.backend.Maintenance() })
		}
	}, "cluster", "broker", "topic"))
	mux.HandleFunc("GET /api/v1/pause", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.backend.Pauses()) })
	mux.HandleFunc("POST /api/v1/pause", only(p.pausing(p.backend.Pause), "cluster", "broker"))
	mux.HandleFunc("DELETE /api/v1/pause", only(p.pausing(p.backend.Resume), "cluster", "broker"))
}

// target reads what a request is about; ok is false when it has been refused.
func target(w http.ResponseWriter, q url.Values) (t Target, ok bool) {
	t = Target{Cluster: q.Get("cluster"), Broker: q.Get("broker"), Topic: q.Get("topic")}
	if t == (Target{}) {
		refuse(w, http.StatusBadRequest, "it does not say what is meant; add cluster=, broker= or topic=, or several of them")
		return t, false
	}
	return t, true
}

func (p *pages) maintain(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	t, ok := target(w, q)
	if !ok {
		return
	}
	m := Maintained{Target: t, Mode: q.Get("mode"), Since: time.Now().UTC(), Source: FromAPI}
	if m.Mode == "" {
		m.Mode = route.ModeReadOnly
	}
	if _, known := route.ParseMaintenanceMode(m.Mode); !known {
		refuse(w, http.StatusBadRequest, "cannot use mode="+m.Mode+"; must be "+route.ModeReadOnly+" or "+route.ModeOff)
		return
	}
	grace := config.DefaultMaintenance().Grace
	if text := q.Get("grace"); text != "" {
		var err error
		if grace, err = time.ParseDuration(text); err != nil || grace < 0 {
			refuse(w, http.StatusBadRequest, "cannot use grace="+text+`; must be a duration such as "40s", or "0s" to refuse at once`)
			return
		}
	}
	m.Grace = grace.Seconds()
	done(w, p.backend.Maintain(m), func() any { return p.backend.Maintenance() })
}

// pausing answers POST and DELETE of a pause.
func (p *pages) pausing(change func(cluster, broker string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if q.Get("broker") == "" {
			refuse(w, http.StatusBadRequest, "it does not say which broker is meant; add broker=, and cluster= where several clusters have one of that name")
			return
		}
		done(w, change(q.Get("cluster"), q.Get("broker")), func() any { return p.backend.Pauses() })
	}
}

// done answers what is in effect after a change, or why there is none.
func done(w http.ResponseWriter, err error, now func() any) {
	switch {
	case err == nil:
		writeJSON(w, now())
	case errors.Is(err, ErrUnknown):
		refuse(w, http.StatusNotFound, err.Error())
	case errors.Is(err, ErrInFile):
		refuse(w, http.StatusConflict, err.Error())
	default:
		refuse(w, http.StatusInternalServerError, err.Error())
	}
}
