package config

import "time"

// The comments of the fields below are also the comments of proxy.example.toml.

// Config is a whole configuration. Build one with [Load], or by hand on top of [Default], [DefaultCluster] and
// [DefaultListener] and then call [Config.Complete].
type Config struct {
	// Statistics are called rocketmq.<stat_prefix>.*; a listener may set a prefix of its own.
	StatPrefix string `toml:"stat_prefix"`
	// Directory where the table of broker ports is kept over restarts. Empty: in memory only.
	StateDir string `toml:"state_dir"`
	// How long requests in flight may take to finish after SIGTERM (duration). 0: connections are closed at once.
	DrainTimeout time.Duration `toml:"drain_timeout"`
	// What is logged, to standard error.
	Log Log `toml:"log"`
	// A RocketMQ cluster that clients reach through the proxy. Repeat the table for more.
	Clusters []Cluster `toml:"cluster"`
	// An address that clients use as their name server address, with the ports of the brokers that belong to it.
	// Repeat the table for more: one per network that clients come from.
	Listeners []Listener `toml:"listener"`
	// HTTP for operators: /metrics, /stats, /healthz, /readyz, /clients, /upstreams, /brokers, /actors.
	Admin Admin `toml:"admin"`
	// Metrics are always served on the admin address; they can also be pushed.
	Metrics Metrics `toml:"metrics"`
	// What one client may cost. Sizes are "1MiB", "500KB" or a plain number of bytes; none may be zero.
	Limits Limits `toml:"limits"`
	// Durations are "1s", "500ms", "2m"; none may be zero.
	Timeouts Timeouts `toml:"timeouts"`

	// origins tells where a key got its value, by path. A path that is missing is a default.
	origins map[string]string
}

// Log is the [log] table.
type Log struct {
	// The least important level that is logged: "debug", "info", "warn" or "error".
	Level string `toml:"level"`
	// "text" or "json", one line per entry.
	Format string `toml:"format"`
}

// Cluster is one [[cluster]] table.
type Cluster struct {
	// What listeners, logs and metrics call the cluster.
	Name string `toml:"name"`
	// Its name servers as host:port. They are asked in turn until one answers. No default: at least one is needed.
	NameServers []string `toml:"name_servers"`
	// How often routes and brokers are asked again (duration, above zero). A lost broker is asked about at once.
	Refresh time.Duration `toml:"refresh"`
	// Begin connections to brokers with a PROXY protocol v2 header that names the client, so that their lists of connections
	// show it and not the proxy. Brokers understand it from 5.1.4 on; older ones drop the connection.
	SendProxyProtocol bool `toml:"send_proxy_protocol"`
	// TLS towards the cluster's brokers and name servers. Its files are looked at every few seconds: what has changed is
	// used for new connections, what cannot be read is logged and the last good state stays.
	TLS ClusterTLS `toml:"tls"`
	// Brokers without a name server. Not available in this version: use name_servers.
	Brokers []Broker `toml:"broker"`
}

// ClusterTLS is the [cluster.tls] table.
type ClusterTLS struct {
	// Whether brokers and name servers are spoken to under TLS, 1.2 or later.
	Enabled bool `toml:"enabled"`
	// A PEM file of the authorities that sign their certificates. Empty: those of this system.
	CA string `toml:"ca"`
	// A PEM file of the certificate, with its chain, that the proxy shows when it is asked for one. Empty: it shows none.
	Certificate string `toml:"certificate"`
	// The PEM file of the certificate's key.
	Key string `toml:"key"`
	// The name that their certificates must be for. Empty: the host that is dialled, which a name server mostly tells as
	// an IP address.
	ServerName string `toml:"server_name"`
	// Take any certificate from anybody. Whoever stands between the proxy and a broker can then read and change
	// everything. The log says so at every start, and so does a metric.
	InsecureSkipVerify bool `toml:"insecure_skip_verify"`
}

// Broker is one [[cluster.broker]] table. Such brokers are understood but refused by [Validate] in this version.
type Broker struct {
	// The broker's name, as clients see it in routes.
	Name string `toml:"name"`
	// 0 is the master; slaves count from 1.
	ID int `toml:"id"`
	// Where the broker listens, as host:port.
	Address string `toml:"address"`
	// The name of its cluster, as clients see it in routes.
	Cluster string `toml:"cluster"`
	// Queues per topic that can be read.
	ReadQueues int `toml:"read_queues"`
	// Queues per topic that can be written.
	WriteQueues int `toml:"write_queues"`
	// Permissions as RocketMQ's bits: 2 write, 4 read, 6 both.
	Perm int `toml:"perm"`
	// The topics that are there; "*" is every topic.
	Topics []string `toml:"topics"`
}

// Listener is one [[listener]] table.
type Listener struct {
	// What logs and metrics call the listener.
	Name string `toml:"name"`
	// Where clients find their "name server", as host:port. Port 0: any free port.
	Address string `toml:"address"`
	// The name of the cluster behind this listener. Empty: the only cluster there is.
	Cluster string `toml:"cluster"`
	// The host that clients are told to dial, without a port: a name, an IPv4 or an IPv6 address.
	// Empty: the local IP address on which the asking client has reached us.
	Advertise string `toml:"advertise"`
	// "port-per-broker": every broker has a port of its own, out of broker_ports.
	Brokers string `toml:"brokers"`
	// Ports to listen on for brokers: "20000-20999", a single port, or 0 for any free port.
	BrokerPorts PortRange `toml:"broker_ports"`
	// The ports that clients are told instead, one for one, where NAT or a NodePort changes them: "30000-30999".
	// Must be as many as broker_ports. 0: the same ports.
	AdvertisePorts PortRange `toml:"advertise_ports"`
	// Put the advertised address into offset message ids, so that viewMessage by such an id comes back to the proxy.
	RewriteMessageIDs bool `toml:"rewrite_message_ids"`
	// Also serve clients <= 4.4, which dial two ports below the advertised one. Then port - 2 of every broker is left free.
	VIPChannel bool `toml:"vip_channel"`
	// The prefix of this listener's statistics. Empty: the top-level stat_prefix.
	StatPrefix string `toml:"stat_prefix"`
	// Networks of balancers whose connections must begin with a PROXY protocol header, v1 or v2: ["10.0.0.0/8"]. The address
	// in it is then the client's. From anywhere else such a header is bad input. It comes before TLS.
	ProxyProtocolFrom []string `toml:"proxy_protocol_from"`
	// TLS towards clients, on the name-server port and on all ports of brokers.
	TLS ListenerTLS `toml:"tls"`
	// Fixed places in broker_ports by "name/id", the same on every replica: "broker-a/0" = 20000.
	// Brokers that are not named here get any place and keep it.
	Ports map[string]int `toml:"ports"`
}

// ListenerTLS is the [listener.tls] table.
type ListenerTLS struct {
	// "off", "permissive" (the first byte decides, so clients with and without TLS come to the same ports, as with
	// brokers) or "required".
	Mode string `toml:"mode"`
	// A PEM file of the certificate, with its chain. It is looked at every few seconds, with its key and client_ca: what has
	// changed is used for new connections, what does not fit together is logged and the last good state stays.
	Certificate string `toml:"certificate"`
	// The PEM file of the certificate's key.
	Key string `toml:"key"`
	// A PEM file of authorities. Clients under TLS must show a certificate that one of them has signed. Empty: they need none.
	ClientCA string `toml:"client_ca"`
	// The oldest version that is spoken: "1.0", "1.1", "1.2" or "1.3".
	MinVersion string `toml:"min_version"`
}

// Admin is the [admin] table.
type Admin struct {
	// Where to serve it, as host:port. Anyone who reaches it may read it: keep it away from clients. Port 0: any free port.
	Address string `toml:"address"`
}

// Metrics is the [metrics] table.
type Metrics struct {
	// Where metrics are pushed in Prometheus text, such as "http://victoria-metrics:8428/api/v1/import/prometheus".
	// Empty: they are not pushed.
	PushURL string `toml:"push_url" secret:"url"`
	// How often they are pushed (duration, above zero).
	PushInterval time.Duration `toml:"push_interval"`
	// Labels added to everything that is pushed, such as { instance = "proxy-1" }.
	PushLabels map[string]string `toml:"push_labels"`
}

// Limits is the [limits] table.
type Limits struct {
	// The longest frame that is passed on (size, below 2GiB); brokers refuse more than 16MiB unless told otherwise.
	MaxFrame Size `toml:"max_frame"`
	// The longest header of a frame (size, below 16MiB and at most max_frame).
	MaxHeader Size `toml:"max_header"`
	// What may wait for a slow peer before reading from the other side pauses, per connection and direction (size).
	BufferPerConnection Size `toml:"buffer_per_connection"`
}

// Timeouts is the [timeouts] table.
type Timeouts struct {
	// How long connecting to a broker or a name server may take (duration).
	Dial time.Duration `toml:"dial"`
	// How long a PROXY header and a TLS handshake may take together (duration), with clients as with brokers. On a listener
	// with mode = "permissive" a plain client's first byte has to come within it.
	Handshake time.Duration `toml:"handshake"`
	// A connection that carried nothing for this long is closed (duration). Brokers use 120s, clients beat every 30s.
	Idle time.Duration `toml:"idle"`
	// How long one name server has to answer before the next one is asked (duration).
	NameServer time.Duration `toml:"name_server"`
}
