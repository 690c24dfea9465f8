package config

import "time"

// The comments of the fields here and in the other config_*.go are also the comments of proxy.example.toml.

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
