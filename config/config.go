package config

import "time"

// The comments of the fields below are also the comments of proxy.example.toml.

// Config is a whole configuration. [Load] makes one; a program can also fill in [Default], [DefaultCluster] and
// [DefaultListener] and call [Config.Complete].
type Config struct {
	// Statistics are called rocketmq.<stat_prefix>.*; a listener may set a prefix of its own.
	StatPrefix string `toml:"stat_prefix"`
	// Directory for what survives restarts: the table of broker ports, and what is in maintenance or paused by
	// /api/v1. Empty: in memory only.
	StateDir string `toml:"state_dir"`
	// Time that requests in flight have to finish after SIGTERM (duration). 0: connections are closed at once.
	DrainTimeout time.Duration `toml:"drain_timeout"`
	// Time between failing /readyz and closing the listeners on shutdown (duration). Load balancers that poll /readyz need
	// it to notice.
	DrainDelay time.Duration `toml:"drain_delay"`
	// While draining, answer GO_AWAY (1500) to clients of 5.3.2 and later: they connect to the same address again and
	// repeat the request there. Set it to false if no other proxy has that address by then: no load balancer in front, no
	// successor (hand_over, listener.reuse_port). Such clients are then served until they have nothing in flight.
	DrainGoAway bool `toml:"drain_go_away"`
	// A Unix socket for restarts that no client notices, such as "/run/rocketmq-proxy/hand-over.sock". A new proxy that is
	// started with the same path shares the ports of the running one and takes over its connections when that one drains.
	// Anyone with access to this socket can take over client connections; restrict access to its directory. While both run,
	// each needs an admin.address of its own. Linux only. Empty: none.
	HandOver string `toml:"hand_over"`
	// Logging, to standard error.
	Log Log `toml:"log"`
	// A RocketMQ cluster behind the proxy. Repeat the table for more clusters.
	Clusters []Cluster `toml:"cluster"`
	// An address that clients use as their name server address, with a port for each broker behind it. Repeat the table for
	// more listeners: one for each network that clients connect from.
	Listeners []Listener `toml:"listener"`
	// Which topics are in which cluster, of several behind one listener. The first [[route]] that matches decides; without one
	// a topic is in the listener's own cluster. A change moves a topic within 30 s, when clients ask for routes again.
	Routes []Route `toml:"route"`
	// What is to be used less for a while: a cluster, a broker or a topic, or a topic on a broker. Clients are shown it
	// accordingly when they ask for routes, every 30 s. POST /api/v1/maintenance does the same without a reload.
	Maintenance []Maintenance `toml:"maintenance"`
	// How much may be sent and asked for, by topic, group, client or address. All [[limit]] tables that match a request apply.
	// Counted are sends (a batch is one), pulls and pops. Sends beyond a limit are answered 215 (FLOW_CONTROL) with its name;
	// pulls and pops wait; requests without an answer (oneway) are delayed by not reading the client. For this proxy only.
	RequestLimits []Limit `toml:"limit"`
	// HTTP for operators: /metrics, /stats, /healthz, /readyz, /clients, /upstreams, /brokers and /actors for reading; POST
	// /reload and /drain, POST and DELETE of /api/v1/maintenance and /api/v1/pause, which always need a credential: a token or
	// a client certificate.
	Admin Admin `toml:"admin"`
	// Metrics are always served at admin.address/metrics. They can also be served at another address, and pushed.
	Metrics Metrics `toml:"metrics"`
	// Limits for one client and for all of them together. Sizes are written as in Kubernetes: "1Mi" or "1MiB" is 1024 times
	// 1024 bytes, "1M" or "1MB" a million; also Ki, Gi, K, G, and plain numbers of bytes.
	Limits Limits `toml:"limits"`
	// Durations are "500ms", "1s", "2m", "1h", "1d"; only connection_age and one_port may be zero. A timeout takes effect up to 5s late.
	Timeouts Timeouts `toml:"timeouts"`
	// How sockets are read and written.
	Transport Transport `toml:"transport"`

	// origins says where a key got its value, by path. A path that is missing is a default.
	origins map[string]string
}

// Log is the [log] table.
type Log struct {
	// The lowest level that is logged: "debug", "info", "warn" or "error".
	Level string `toml:"level"`
	// "text" or "json", one line per entry. On a terminal, text has short colored lines (NO_COLOR switches colors off).
	Format string `toml:"format"`
}

// Cluster is one [[cluster]] table.
type Cluster struct {
	// The cluster's name in listeners, logs and metrics.
	Name string `toml:"name"`
	// Name servers as host:port. They are asked in turn until one answers. No default: at least one is needed, or a
	// [[cluster.broker]].
	NameServers []string `toml:"name_servers"`
	// Time between two queries for the same route, and for the list of brokers (duration, above zero). The loss of a broker
	// causes a query at once.
	Refresh time.Duration `toml:"refresh"`
	// Begin connections to brokers with a PROXY protocol v2 header, so that brokers see the client's address and not the
	// proxy's. Brokers understand it from 5.1.4 on; older ones close the connection.
	SendProxyProtocol bool `toml:"send_proxy_protocol"`
	// TLS towards the cluster's brokers and name servers. Changed files are used for new connections a few seconds later;
	// files that cannot be used are logged, and the last good ones stay in use.
	TLS ClusterTLS `toml:"tls"`
	// Refuse all requests for this cluster, for example during its upgrade. They are answered 14 (SERVICE_NOT_AVAILABLE), as
	// if its brokers were down, and counted as maintenance_failure.
	Maintenance bool `toml:"maintenance"`
	// The same for some of its brokers, by name: ["broker-a"]. Producers use the others in the meantime.
	MaintenanceBrokers []string `toml:"maintenance_brokers"`
	// Time that requests wait for a broker that is paused (POST /api/v1/pause), before they are answered 14 (duration, below
	// 3s, which is how long clients wait).
	ParkTimeout time.Duration `toml:"park_timeout"`
	// A broker process of a cluster without name servers, instead of name_servers. Routes and the list of brokers are made of
	// these tables; processes that take no connections are left out within refresh, unless all that have the topic are away.
	Brokers []Broker `toml:"broker"`
}

// Maintenance is one [[maintenance]] table.
type Maintenance struct {
	// The name of a cluster. Empty: all clusters.
	Cluster string `toml:"cluster"`
	// The name of a broker, with its slaves. Empty: all brokers.
	Broker string `toml:"broker"`
	// A topic. Empty: all topics.
	Topic string `toml:"topic"`
	// "read-only": producers no longer see it, and consumers drain it. "off": nobody sees it, and only what ends the work on
	// messages is served: acks, offsets, sending back, transactions, heartbeats.
	Mode string `toml:"mode"`
	// Time during which requests that still come are forwarded, until clients have asked for routes again (duration). They
	// are then answered 14 (SERVICE_NOT_AVAILABLE), and counted as maintenance_failure.
	Grace time.Duration `toml:"grace"`
}

// Broker is one [[cluster.broker]] table.
type Broker struct {
	// The broker's name (brokerName).
	Name string `toml:"name"`
	// 0: the master; others are its slaves (brokerId).
	ID int `toml:"id"`
	// Where it listens, as host:port. No default.
	Address string `toml:"address"`
	// The RocketMQ cluster that it says it belongs to (brokerClusterName).
	Cluster string `toml:"cluster"`
	// Queues that each of its topics has for consumers.
	ReadQueues int `toml:"read_queues"`
	// Queues that each of its topics has for producers.
	WriteQueues int `toml:"write_queues"`
	// What clients may do there: 2 (send), 4 (consume) or 6 (both).
	Perm int `toml:"perm"`
	// Its topics. "*": every topic that is asked for; those are not in lists of topics. Retry topics, dead letters and system
	// topics are always there.
	Topics []string `toml:"topics"`
	// Words about the broker that a subset of a [[route]] asks for, such as { zone = "eu" }.
	Metadata map[string]string `toml:"metadata"`
}

// Route is one [[route]] table.
type Route struct {
	// The listener that it is for. Empty: all.
	Listener string `toml:"listener"`
	// The topics, by one of exact, prefix, suffix and regex (RE2; it must match the whole name): { prefix = "order-" }. With
	// ignore_case = true capitals do not matter; with invert = true it matches all others. Topics of groups (%RETRY%, %DLQ%)
	// are in all clusters and match no route. Empty: every topic.
	Topic Matcher `toml:"topic"`
	// What else must match, all of it: language ("JAVA", "GO", ...) and version (a number, see docs/COMPATIBILITY.md) of the
	// client, by one of exact, prefix, suffix, regex, range = { start = 317, end = 401 } (end not included) and present = true:
	// [{ name = "language", exact = "GO" }]. On one-port listeners also code, group and any ext field: a route with one of these
	// only counts for requests that name no broker.
	Headers []HeaderMatcher `toml:"headers"`
	// The cluster that the topics are in. No default.
	Cluster string `toml:"cluster"`
	// Only those of its brokers whose metadata (cluster.broker.metadata) agrees, such as { zone = "eu" }. Empty: all.
	Subset map[string]string `toml:"subset"`
	// Another cluster whose queues of the topics consumers see as well, until the line is removed; producers do not. For moving
	// topics without losing a message, see docs/OPERATIONS.md. Empty: none.
	DrainFrom string `toml:"drain_from"`
}

// Limit is one [[limit]] table.
type Limit struct {
	// The limit's name in answers and metrics. No default.
	Name string `toml:"name"`
	// The listener that it is for. Empty: all.
	Listener string `toml:"listener"`
	// The topics, as in a [[route]]: { exact = "orders" }. Empty: all.
	Topic Matcher `toml:"topic"`
	// The groups of consumers and producers: { prefix = "batch-" }. Empty: all.
	Group Matcher `toml:"group"`
	// The clients, by their ids, such as 10.0.0.7@4711. An id is known from the client's first heartbeat on; before, no
	// matcher matches it. Empty: all.
	Client Matcher `toml:"client"`
	// The networks that clients are in: ["10.1.0.0/16"].
	Addresses []string `toml:"address"`
	// What has a limit of its own: "client" (before its first heartbeat, each connection), "address" (IPv6: a /64), "topic"
	// or "group". Empty: all together.
	Per string `toml:"per"`
	// Requests per second. 0: no such limit.
	RequestsPerSecond int `toml:"requests_per_second"`
	// Bytes per second, of whole frames (size). 0: no such limit.
	BytesPerSecond Size `toml:"bytes_per_second"`
	// Requests that may come at once after a quiet time, or bytes if only they are limited. A request that is larger passes
	// when nothing was sent for long enough, and what comes after it waits for longer. 0: one second's worth.
	Burst int `toml:"burst"`
	// Requests that may wait for an answer at a time. Pulls and pops count until the broker has held them for 0.1 s. 0: no
	// such limit.
	InFlight int `toml:"in_flight"`
}

// ClusterTLS is the [cluster.tls] table.
type ClusterTLS struct {
	// Connect to brokers and name servers with TLS 1.2 or later.
	Enabled bool `toml:"enabled"`
	// A PEM file with the authorities that sign their certificates. Empty: those of this system.
	CA string `toml:"ca"`
	// A PEM file with the proxy's client certificate and its chain. Empty: none.
	Certificate string `toml:"certificate"`
	// The PEM file with the certificate's key.
	Key string `toml:"key"`
	// The name that their certificates must be valid for. Empty: the host that is dialed, which for brokers is usually an IP
	// address.
	ServerName string `toml:"server_name"`
	// Do not verify their certificates. An attacker between the proxy and a broker can then read and change everything. A
	// warning in the log and a metric say so.
	InsecureSkipVerify bool `toml:"insecure_skip_verify"`
}

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

// Admin is the [admin] table.
type Admin struct {
	// Address as host:port. Port 0: any free port. On a loopback address reading needs no credential; any other address
	// needs token_file, read_token_file or client_ca, and only /healthz and /readyz are open there.
	Address string `toml:"address"`
	// A file with the token that requests present as "Authorization: Bearer ...". Empty: none.
	TokenFile string `toml:"token_file"`
	// A file with another token that permits reading only, for example for Prometheus. Empty: none.
	ReadTokenFile string `toml:"read_token_file"`
	// On a loopback address: names that are accepted in the Host header beside IP addresses and localhost, without ports.
	// Other names are refused, so that no web page can read the admin address through a browser (DNS rebinding).
	Hosts []string `toml:"hosts"`
	// A PEM file with the certificate for HTTPS and its chain. Empty: plain HTTP.
	Certificate string `toml:"certificate"`
	// The PEM file with the certificate's key.
	Key string `toml:"key"`
	// A PEM file with authorities: a client certificate that one of them has signed counts as the token. Empty: none.
	ClientCA string `toml:"client_ca"`
	// Serve Go's profiles under /debug/pprof/.
	Pprof bool `toml:"pprof"`
}

// Metrics is the [metrics] table.
type Metrics struct {
	// A further address, as host:port, that serves only /metrics, /healthz and /readyz, without a credential. Empty: none.
	Address string `toml:"address"`
	// URL that metrics are pushed to in Prometheus text, such as "http://victoria-metrics:8428/api/v1/import/prometheus".
	// Empty: none.
	PushURL string `toml:"push_url"`
	// Time between two pushes (duration, above zero).
	PushInterval time.Duration `toml:"push_interval"`
	// Labels for everything that is pushed, such as { instance = "proxy-1" }.
	PushLabels map[string]string `toml:"push_labels"`
}

// Limits is the [limits] table.
type Limits struct {
	// The longest frame that is relayed (size, below 2GiB). Brokers refuse more than 16MiB by default.
	MaxFrame Size `toml:"max_frame"`
	// The longest header of a frame (size, below 16MiB and at most max_frame).
	MaxHeader Size `toml:"max_header"`
	// Bytes that may wait for a slow peer before reading from the other side pauses, per connection and direction (size).
	BufferPerConnection Size `toml:"buffer_per_connection"`
	// Bytes that may wait for slow peers on all connections together (size). Above it, only connections with nothing waiting
	// are read; nothing is dropped. Heartbeats that are kept for replay count as well, up to half of it. 0: a quarter of
	// limits.memory.
	BufferTotal Size `toml:"buffer_total"`
	// Memory that the process may use (size). Go's limit (GOMEMLIMIT) is set to 90 % of it, unless the environment sets
	// GOMEMLIMIT. 0: the memory of the container (cgroup v1 or v2), or else of the machine.
	Memory Size `toml:"memory"`
	// Client connections on all ports of one listener together; each may need a second socket towards its broker. At the
	// limit the ports are closed, so that clients try another broker or proxy at once. 0: no limit.
	ConnectionsPerListener int `toml:"connections_per_listener"`
	// Client connections from one address (IPv6: one /64) on all ports of one listener. A client needs one, and two for each
	// broker. Further connections are closed at once. 0: no limit, because behind NAT all clients have one address.
	ConnectionsPerAddress int `toml:"connections_per_address"`
	// Requests in flight of one connection, long polls included. At the limit the client is not read until answers come. On
	// a name-server port it is at most 32. 0: no limit.
	RequestsPerConnection int `toml:"requests_per_connection"`
}

// Timeouts is the [timeouts] table.
type Timeouts struct {
	// Connecting to a broker or a name server (duration).
	Dial time.Duration `toml:"dial"`
	// PROXY header and TLS handshake together, with clients and with brokers (duration). On a listener with mode =
	// "permissive" the first byte of a client without TLS must arrive within it.
	Handshake time.Duration `toml:"handshake"`
	// A connection without traffic is closed after this time (duration). Brokers use 120s; clients send heartbeats every 30s.
	Idle time.Duration `toml:"idle"`
	// A connection without a complete header of a first request is closed after this time (duration). Clients connect when
	// they have something to send.
	FirstByte time.Duration `toml:"first_byte"`
	// A connection on which the header of a frame has begun and stays incomplete is closed after this time (duration).
	Header time.Duration `toml:"header"`
	// A peer that does not take any of the bytes that wait for it is disconnected after this time (duration).
	WriteStall time.Duration `toml:"write_stall"`
	// One name server's answer; after this time the next one is asked (duration).
	NameServer time.Duration `toml:"name_server"`
	// Age at which a client connection is let go as in a drain, ± 10 %, so that clients spread over new replicas (duration).
	// 0: never.
	ConnectionAge time.Duration `toml:"connection_age"`
	// On listeners with brokers = "one-port": requests that a broker has not answered by then are answered by the proxy
	// (SERVICE_NOT_AVAILABLE), before a client that waits 3s closes the connection to all brokers. A message whose send is
	// answered so may be stored all the same (duration). 0: never.
	OnePort time.Duration `toml:"one_port"`
}

// Values of transport.io_uring.
const (
	IOUringAuto = "auto"
	IOUringOff  = "off"
)

// Transport is the [transport] table.
type Transport struct {
	// "auto": many receives and sends are made in one system call (io_uring), where the system has it and permits it; many
	// containers do not. The log says at the start whether it is used. "off": each is made by itself. Linux only.
	IOUring string `toml:"io_uring"`
}
