package messages

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// OnePortState is what a connection to a port for all brokers remembers beside. A link is named by its place in the list.
type OnePortState struct {
	Links  []LinkState      `json:"links,omitempty"`
	Pushes []Push           `json:"pushes,omitempty"`
	Pushed int32            `json:"pushed,omitempty"` // requests of brokers that have come, which is the opaque of the last one
	Pops   []route.PopState `json:"pops,omitempty"`   // for acks without a handle
}

// LinkState is one of its paths to brokers and name servers.
type LinkState struct {
	Broker    route.BrokerID   `json:"broker"`              // zero: it leads to name servers
	Upstream  string           `json:"upstream"`            // its address
	Connected bool             `json:"connected,omitempty"` // its socket comes with the connection, in the order of the links
	Member    bool             `json:"member,omitempty"`    // the broker has the client's heartbeat
	Confirmed *HeartbeatAnswer `json:"confirmed,omitempty"`
}

// Push is a request of a broker that the client has yet to answer.
type Push struct {
	Opaque int32  `json:"opaque"` // that the client knows
	Theirs int32  `json:"theirs"` // that the broker knows
	Link   uint16 `json:"link,omitempty"`
}

// Agrees reports whether a state is whole, and as many upstream sockets came as belong to it: another process may hand anything
// over.
func (s *ConnectionState) Agrees(upstreams int) bool {
	if s.OnePort == nil {
		return !s.Role.OneForAll() && upstreams <= 1 && !slices.ContainsFunc(s.Pending, func(p Pending) bool { return p.Link != 0 })
	}
	links, connected := s.OnePort.Links, 0
	for i := range links {
		if links[i].Connected {
			connected++
		}
	}
	exists := func(link uint16) bool { return int(link) < len(links) }
	return s.Role.OneForAll() && connected == upstreams &&
		!slices.ContainsFunc(s.Pending, func(p Pending) bool { return !exists(p.Link) }) &&
		!slices.ContainsFunc(s.OnePort.Pushes, func(p Push) bool { return !exists(p.Link) })
}
