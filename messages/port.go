package messages

import (
	"net/netip"
	"sync/atomic"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Role is what a listening port stands for.
type Role int

// The three kinds of ports.
const (
	NameServerPort Role = iota // clients' name server
	BrokerPort                 // one broker
	VIPPort                    // that broker's "fast" port: its own port - 2
)

func (r Role) String() string { return [...]string{"name-server", "broker", "vip"}[r] }

// Port is what all connections of one listening port have in common. It never changes once it is open.
type Port struct {
	Listener   string
	StatPrefix string
	Role       Role
	Broker     route.BrokerID // of BrokerPort and VIPPort
	Slot       *Slot          // the same
	// Target says where to dial, counted from the first attempt: name servers one after another, or the broker's
	// present address. ok is false when nothing is known.
	Target func(attempt int) (address string, ok bool)
	// Serves tells whether an upstream at an address is one to stay with; nil: each is. It changes with a reload.
	Serves func(address string) bool
	// Dialer opens connections to the upstream, with TLS or a PROXY header; nil: plain ones.
	Dialer transport.Dialer
	// Advertised is what clients are told to dial for a broker, given the address that this client reached us on.
	Advertised func(b route.BrokerID, local netip.AddrPort) (host string, port int, ok bool)
	// RewriteIDs: put the advertised address into message ids (listener.rewrite_message_ids).
	// It changes with a reload.
	RewriteIDs *atomic.Bool
	// Maintained tells that requests are refused for now; nil: they never are. It changes with a reload.
	Maintained func() bool
}

// Accepted brings a new client connection to its supervisor.
type Accepted struct {
	Port *Port
	Conn transport.Conn
}

// Discard is for a message whose receiver is gone. A socket that nobody has started may be closed anywhere.
func (m *Accepted) Discard() { m.Conn.Close() }
