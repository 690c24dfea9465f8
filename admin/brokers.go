package admin

import "net/http"

// broker is one broker behind one listener.
type broker struct {
	Name       string `json:"name"`
	ID         int64  `json:"id"`
	Cluster    string `json:"cluster"`
	Upstream   string `json:"upstream"`
	Listener   string `json:"listener"`
	Advertised string `json:"advertised"` // "": it has no port, see the log
	Port       int    `json:"port"`
	Up         bool   `json:"up"` // false: it takes no connections, and its port is closed
}

func (p *pages) brokers(w http.ResponseWriter, _ *http.Request) {
	list := []broker{}
	for _, l := range p.proxy.Tree().Listeners {
		for _, b := range l.Brokers() {
			shown := broker{Name: b.ID.Name, ID: b.ID.ID, Cluster: b.Known().Cluster, Upstream: b.Address(), Listener: l.Name}
			if p, ok := l.PortOf(b.ID); ok {
				shown.Advertised, shown.Port, shown.Up = p.Advertised, p.Port, !b.Away()
			}
			list = append(list, shown)
		}
	}
	writeJSON(w, list)
}
