package config

import "time"

// Listener is one [[listener]] table.
type Listener struct {
	// The listener's name in logs and metrics.
	Name string `toml:"name"`
	// The address that clients use as their name server, as host:port. Port 0: any free port.
	Address string `toml:"address"`
	// The name of the cluster behind this listener. Empty: the only cluster.
	Cluster string `toml:"cluster"`
	// The host that clients connect to for brokers, without a port: a name, an IPv4 or an IPv6 address. Needed behind NAT and
	// for containers. Empty: the local IP address of the connection on which the client asks for a route.
	Advertise string `toml:"advertise"`
	// "port-per-broker": each broker has a port of its own out of broker_ports. "one-port": requests for all brokers come to
	// the listener's own port and have to say which broker they are for. docs/COMPATIBILITY.md lists the clients that do.
	Brokers string `toml:"brokers"`
	// With "one-port", a request that does not say it, and could be for several brokers: "refuse", or "balance" sends and pops
	// over the topic's brokers, as Envoy's filter does.
	Unnamed string `toml:"unnamed"`
	// With "balance": how long it is remembered where a popped message came from, for an ack without a handle (duration, above
	// zero).
	TransientObjectLifeSpan time.Duration `toml:"transient_object_life_span"`
	// Ports to listen on for brokers: "20000-20999", a single port, or 0 for any free port.
	BrokerPorts PortRange `toml:"broker_ports"`
	// The ports that clients connect to instead, one for one, where NAT or a NodePort changes them: "30000-30999". The range
	// must be as long as broker_ports; with brokers = "one-port" it is one port, in the place of the listener's own. 0: the
	// same ports.
	AdvertisePorts PortRange `toml:"advertise_ports"`
	// Put the advertised address of each broker in the place of its own where clients take it from: message ids, and the store
	// hosts of messages. Without it clients that view a message by its id, and orderly consumers of Go, dial brokers past the
	// proxy. It cannot be put there if advertise is a name instead of an IP address. false: what brokers say stays.
	RewriteMessageIDs bool `toml:"rewrite_message_ids"`
	// Also serve clients <= 4.4, which connect to two ports below the advertised one: port - 2 of each broker is then
	// reserved for them, also below the first of broker_ports; with brokers = "one-port" it is port - 2 of the listener.
	VIPChannel bool `toml:"vip_channel"`
	// Share the ports with other processes (SO_REUSEPORT): a successor can start before this proxy ends, and no connection
	// is refused. Clients of 5.3.2 and later move to it by themselves (drain_go_away); hand_over moves all. Linux only.
	ReusePort bool `toml:"reuse_port"`
	// The prefix of this listener's statistics. Empty: the top-level stat_prefix.
	StatPrefix string `toml:"stat_prefix"`
	// Networks of load balancers whose connections must begin with a PROXY protocol header, v1 or v2: ["10.0.0.0/8"]. It
	// comes before TLS, and the address in it is the client's. From other addresses such a header is a malformed frame.
	ProxyProtocolFrom []string `toml:"proxy_protocol_from"`
	// gRPC, which the 5.x SDKs speak, on the name-server port.
	GRPC ListenerGRPC `toml:"grpc"`
	// TLS towards clients, on the name-server port and on the ports of all brokers.
	TLS ListenerTLS `toml:"tls"`
	// Fixed ports of brokers by "name/id", the same on every replica: "broker-a/0" = 20000. Other brokers get any free port
	// of broker_ports and keep it.
	Ports map[string]int `toml:"ports"`
}

// ListenerGRPC is the [listener.grpc] table.
type ListenerGRPC struct {
	// Serve clients that speak gRPC (rocketmq-clients 5.x) on the listener's own address, told apart by their first bytes.
	Enabled bool `toml:"enabled"`
	// What gRPC clients are told to connect to, as host:port. Empty: the endpoints exactly as each client wrote them, which
	// SDKs want.
	Advertise string `toml:"advertise"`
	// Without a certificate in listener.tls: answer TLS, which the Java, Go and C# SDKs speak unless told otherwise and do not
	// verify, with a certificate that is made at start.
	SelfSigned bool `toml:"self_signed"`
	// How long a message that a push consumer has received stays invisible to others. 0: as its group says
	// (consumeTimeoutMinute, 15 minutes by default).
	Lease time.Duration `toml:"lease"`
	// Where a new consumer group begins: "end" or "beginning".
	NewGroupStarts string `toml:"new_group_starts"`
	// Brokers before 5.0 would deliver messages with a delivery time at once. true: they get the shortest of the 18 delay
	// levels that is not shorter than the wait, up to 2 hours. false: such messages are refused.
	DelayLevels bool `toml:"delay_levels"`
	// Put the namespace of a resource before its name, as ns%topic and ns%group. false: it is ignored, as by Apache's proxy.
	NamespacePrefix bool `toml:"namespace_prefix"`
}

// Values of listener.grpc.new_group_starts.
const (
	StartAtEnd       = "end"
	StartAtBeginning = "beginning"
)

// ListenerTLS is the [listener.tls] table.
type ListenerTLS struct {
	// "off", "permissive" (the first byte decides: clients with and without TLS use the same ports, as with brokers) or
	// "required".
	Mode string `toml:"mode"`
	// A PEM file with the certificate and its chain. Changed files (also key and client_ca) are used for new connections a
	// few seconds later; files that cannot be used are logged, and the last good ones stay in use.
	Certificate string `toml:"certificate"`
	// The PEM file with the certificate's key.
	Key string `toml:"key"`
	// A PEM file with authorities: clients must show a certificate that one of them has signed, with mode = "required".
	// Empty: clients need no certificate.
	ClientCA string `toml:"client_ca"`
	// The oldest TLS version that clients may use: "1.0", "1.1", "1.2" or "1.3".
	MinVersion string `toml:"min_version"`
}
