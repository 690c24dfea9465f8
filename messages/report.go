package messages

import "github.com/asynkron/protoactor-go/actor"

// Report asks for a ClientReport of each connection below the receiver; Counted says first how many will come.
type Report struct{ To *actor.PID }

// Counted is how many ClientReports follow from one supervisor, and from how many others more Counted do.
type Counted struct{ N, Supervisors int }

// How the actors of connections are listed.
type (
	// ListConnections asks for the actors of all connections below the receiver.
	ListConnections struct{ To *actor.PID }
	// ConnectionList names those of one supervisor, and from how many others a further ConnectionList follows.
	ConnectionList struct {
		Connections []*actor.PID
		Supervisors int
	}
)

// ClientReport describes one client connection and its upstream.
type ClientReport struct {
	Listener string          `json:"listener"`
	Role     string          `json:"role"`
	Broker   string          `json:"broker,omitempty"`
	Remote   string          `json:"remote"`
	Local    string          `json:"local"`
	ClientID string          `json:"client_id,omitempty"`
	Language string          `json:"language,omitempty"`
	Version  int32           `json:"version,omitempty"`
	Age      float64         `json:"age_seconds"`
	Idle     float64         `json:"idle_seconds"`
	InFlight int             `json:"requests_in_flight"`
	Kept     int             `json:"bytes_kept"`
	Upstream *UpstreamReport `json:"-"`
}

// UpstreamReport describes one upstream socket.
type UpstreamReport struct {
	Listener string `json:"listener"`
	Broker   string `json:"broker,omitempty"`
	Address  string `json:"address"`
	State    string `json:"state"`
	Client   string `json:"client"`
	ClientID string `json:"client_id,omitempty"`
	Epoch    int32  `json:"epoch"`
	InFlight int    `json:"requests_in_flight"`
}
