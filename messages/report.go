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

// ClientReport describes one client connection and its upstreams.
type ClientReport struct {
	Listener  string            `json:"listener"`
	Role      string            `json:"role"`             // of its port: "name-server", "broker", "vip", "one-port" or "one-port-vip"
	Broker    string            `json:"broker,omitempty"` // as "broker-a/0"; "" on a port for a name server or for all brokers
	Remote    string            `json:"remote"`           // the client's address
	Local     string            `json:"local"`            // the address that it has reached
	ClientID  string            `json:"client_id,omitempty"`
	Language  string            `json:"language,omitempty"`
	Version   int32             `json:"version,omitempty"`
	Protocol  string            `json:"protocol,omitempty"` // "grpc"; "": remoting
	Group     string            `json:"group,omitempty"`    // of a client of gRPC, as it has said: which it consumes in
	Topics    []string          `json:"topics,omitempty"`   // which it publishes or subscribes to, at most 100
	Age       float64           `json:"age_seconds"`
	Idle      float64           `json:"idle_seconds"`
	InFlight  int               `json:"requests_in_flight"`
	Kept      int               `json:"bytes_kept"` // written, and not taken by the client yet
	Upstreams []*UpstreamReport `json:"-"`

	ClientVersion string `json:"-"` // of a client of gRPC, which has no number
}

// UpstreamReport describes one upstream socket.
type UpstreamReport struct {
	Listener string `json:"listener"`
	Broker   string `json:"broker,omitempty"`
	Address  string `json:"address"`
	State    string `json:"state"`  // "connecting" or "open"
	Client   string `json:"client"` // the client's address
	ClientID string `json:"client_id,omitempty"`
	Epoch    int32  `json:"epoch"` // how many sockets there have been
	InFlight int    `json:"requests_in_flight"`
}
