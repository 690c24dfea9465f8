package admin

import (
	"net/http"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
)

// broker is one broker behind one listener.
type broker struct {
	Name       string `json:"name"`
	ID         int64  `json:"id"`
	Cluster    string `json:"cluster"`
	Upstream   string `json:"upstream"`
	Listener   string `json:"listener"`
	Advertised string `json:"advertised"` // "": it has no port, see the log
	Port       int    `json:"port"`
	Up         bool   `json:"up"` // false: it takes no connections, and its port is closed unless it is paused
	use
}

// use is how far operators let a broker be used; nothing of it is shown otherwise.
type use struct {
	// Refused is cluster.maintenance or cluster.maintenance_brokers: every request is answered 14.
	Refused     bool         `json:"refused,omitempty"`
	Maintenance []Maintained `json:"maintenance,omitempty"` // of it, its cluster, or topics on it
	PausedSince *time.Time   `json:"paused_since,omitempty"`
}

func (p *pages) brokers(w http.ResponseWriter, _ *http.Request) {
	list := []broker{}
	maintained := p.backend.Maintenance()
	for _, l := range p.proxy.Tree().Listeners {
		for _, b := range l.Brokers() {
			shown := broker{
				Name: b.ID.Name, ID: b.ID.ID, Cluster: b.Known().Cluster, Upstream: b.Address(), Listener: l.Name,
				Up: b.Reachable(), use: useOf(b, l.Clusters, maintained),
			}
			if p, ok := l.PortOf(b.ID); ok {
				shown.Advertised, shown.Port = p.Advertised, p.Port
			}
			list = append(list, shown)
		}
	}
	writeJSON(w, list)
}

// useOf is what operators have said of a broker, or of what it belongs to.
func useOf(b *actors.Broker, clusters []*actors.Cluster, maintained []Maintained) (u use) {
	for _, c := range clusters {
		if m := &c.Snapshot().Table().Maintenance; c.Name == b.Cluster {
			u.Refused = m.All || slices.Contains(m.Brokers, b.ID.Name)
		}
	}
	for _, m := range maintained {
		if (m.Cluster == "" || m.Cluster == b.Cluster) && (m.Broker == "" || m.Broker == b.ID.Name) {
			u.Maintenance = append(u.Maintenance, m)
		}
	}
	if at := b.Pause().Since(); !at.IsZero() {
		at = at.UTC()
		u.PausedSince = &at
	}
	return u
}
