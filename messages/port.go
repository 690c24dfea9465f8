package messages

import (
	"net/netip"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Role is what a listening port stands for.
type Role int

// The kinds of ports.
const (
	NameServerPort Role = iota // clients' name server
	BrokerPort                 // one broker
	VIPPort                    // that broker's "fast" port: its own port - 2
	OnePort                    // the name server and all brokers (listener.brokers = "one-port")
	OneVIPPort                 // the same, and of brokers their "fast" ports: two below the other
	GRPC                       // calls of gRPC, whatever port their connections came on; with a broker: what calls ask it for
)

// OneForAll reports whether a port stands for all brokers of its listener.
func (r Role) OneForAll() bool { return r == OnePort || r == OneVIPPort }

// OfBroker reports whether a port stands for one broker.
func (r Role) OfBroker() bool { return r == BrokerPort || r == VIPPort }

// String is the role in reports, labels and logs.
func (r Role) String() string {
	return [...]string{"name-server", "broker", "vip", "one-port", "one-port-vip", "grpc"}[r]
}

// StoreHostLookup maps the address that a broker has itself to the one that clients are told, never that of a VIP port.
// ok is false for what is not a broker's address. It is a rewrite.Lookup.
type StoreHostLookup = func(own netip.AddrPort) (advertised netip.AddrPort, ok bool)

// Port is the identity of a listening port: what all its connections have in common. It never changes once it is open.
type Port struct {
	Listener   string
	StatPrefix string
	Role       Role
	Address    netip.AddrPort
	Broker     route.BrokerID // of BrokerPort and VIPPort, and of GRPC once it is known
	Cluster    string         // the proxy's name of its broker's cluster; of other ports the listener's own
	// Actors finds the actor of one of the listener's clusters; nil: there are none.
	Actors func(cluster string) *actor.PID
	// To is where requests go that the proxy does not answer itself; of a port for all brokers, those for name servers.
	To Destination
	// FindBroker finds one of the brokers that a port for all of them stands for; nil on other ports.
	FindBroker func(b route.BrokerID) (to Destination, cluster string, ok bool)
	// Advertised is what clients are told to dial for a broker of a cluster, given the address that this client reached the proxy
	// on.
	Advertised func(cluster string, b route.BrokerID, local netip.AddrPort) (host string, port int, ok bool)
	// StoreHosts is what a client that reached the proxy on local is told in the place of brokers' own addresses, in message ids
	// and store hosts (listener.rewrite_message_ids). Its result is nil when they stay as they are. It changes with a
	// reload and with the brokers, so it is asked for each answer; what it returns is shared and never changes.
	StoreHosts func(local netip.AddrPort) StoreHostLookup
	// Speaks reports that the port also serves a protocol, one of codec.LooksLike…, to clients that begin with it; nil: none.
	Speaks func(protocol string) bool
	// Decisions returns the table by which requests are decided now; nil: nothing but a request itself counts.
	Decisions func() *route.Table
}

// noTable changes nothing.
var noTable route.Table

// Table is the table by which requests are decided now.
func (p *Port) Table() *route.Table {
	if p.Decisions == nil {
		return &noTable
	}
	return p.Decisions()
}

// ClusterActor is the actor that knows one of the listener's clusters; nil: the listener has no such cluster.
func (p *Port) ClusterActor(name string) *actor.PID {
	if p.Actors == nil {
		return nil
	}
	return p.Actors(name)
}

// Accepted brings a new client connection to its supervisor.
type Accepted struct {
	Port *Port
	Conn transport.Conn
}

// Discard is for a message whose receiver is gone. A socket that was not started may be closed anywhere.
func (m *Accepted) Discard() { m.Conn.Close() }
