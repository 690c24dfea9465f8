package messages

import (
	"net/netip"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Destination is where an upstream actor dials: one broker, or the name servers of a cluster, one after another. It
// outlives all actors, and its methods may be called from everywhere.
type Destination interface {
	// Target is the address to dial, counted from the first attempt; ok is false when none is known.
	Target(attempt int) (address string, ok bool)
	// Serves reports whether an upstream to an address, with a remote end, is one to stay with. Both change: name
	// servers by a reload or in the DNS, brokers when another process takes their place.
	Serves(address string, remote netip.AddrPort) bool
	// Dialer opens connections, with TLS or a PROXY header where the cluster has them.
	Dialer() transport.Dialer
	// Away reports that it is known to take no connections: only its cluster's prober dials it. One that is paused is not.
	Away() bool
	// Pause is whether anything may be sent there; nil for name servers.
	Pause() *Pause
	// Dialed counts a dial. DialFailed counts a failure, has the cluster look into it, and reports whether it is
	// certain by itself that the broker takes no connections.
	Dialed()
	DialFailed(err error) (refused bool)
	// Expected is what all clients of the broker wait for; nil for name servers.
	Expected() *Expected
	// String names it in logs.
	String() string
}

// Each subscriber of a cluster gets one of these when a broker is lost, is back, or has another address. Listeners pause
// or open its ports and then pass the message on to their connections, and these to their upstreams.
type (
	// BrokerLost says that a broker cannot be reached.
	BrokerLost struct{ BrokerRef }
	// BrokerBack says that a lost broker can be reached again.
	BrokerBack struct{ BrokerRef }
	// BrokerMoved says that a broker has another address.
	BrokerMoved struct{ BrokerRef }
	// BrokerPaused says that a pause of a broker has begun or ended.
	BrokerPaused struct{ BrokerRef }
)

// BrokerRef names a broker by the name that the proxy has for its cluster.
type BrokerRef struct {
	Cluster string
	Broker  route.BrokerID
}
