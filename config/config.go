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
	// How long the proxy goes on as before once it is told to end, with /readyz at 503 (duration). Give balancers that
	// poll /readyz the time to notice.
	DrainDelay time.Duration `toml:"drain_delay"`
	// While draining, answer GO_AWAY (1500) to clients of 5.3.2 and later: they connect to the same address again and
	// repeat the request there. Set it to false where nobody else has the address then: no balancer in front, no
	// successor (hand_over, listener.reuse_port). Such clients are then served until they are quiet.
	DrainGoAway bool `toml:"drain_go_away"`
	// A Unix socket, such as "/run/rocketmq-proxy/hand-over.sock". A proxy that is started with the same path as one
	// that runs shares its ports, and is handed its connections when that one is told to end: no client notices the
	// restart. Whoever may open it may take the clients: keep its directory to yourself. While both run,
	// each needs an admin.address of its own. Linux only. Empty: none.
	HandOver string `toml:"hand_over"`
	// What is logged, to standard error.
	Log Log `toml:"log"`
	// A RocketMQ cluster that clients reach through the proxy. Repeat the table for more.
	Clusters []Cluster `toml:"cluster"`
	// An address that clients use as their name server address, with the ports of the brokers that belong to it.
	// Repeat the table for more: one per network that clients come from.
	Listeners []Listener `toml:"listener"`
	// HTTP for operators: /metrics, /stats, /healthz, /readyz, /clients, /upstreams, /brokers, /actors to read, and POST
	// /reload and /drain, which always ask for a credential: a token or a client certificate.
	Admin Admin `toml:"admin"`
	// Metrics are always served on the admin address; they can also be pushed.
	Metrics Metrics `toml:"metrics"`
	// What one client, and all of them together, may cost. Sizes are "1MiB", "500KB" or a plain number of bytes.
	Limits Limits `toml:"limits"`
	// Durations are "1s", "500ms", "2m", "1d"; only connection_age may be zero. What takes too long is noticed up to 5s later.
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
	// Refuse all requests for this cluster, as during its upgrade: they are answered 14 (SERVICE_NOT_AVAILABLE), as if
	// its brokers were away, and counted as maintenance_failure.
	Maintenance bool `toml:"maintenance"`
	// The same for some of its brokers, by name: ["broker-a"]. Producers use the others meanwhile.
	MaintenanceBrokers []string `toml:"maintenance_brokers"`
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
	// Let other processes have the same ports open (SO_REUSEPORT): a successor can start before this one ends, and
	// nobody is refused. Clients of 5.3.2 and later move to it by themselves (drain_go_away); hand_over moves all.
	// Linux only.
	ReusePort bool `toml:"reuse_port"`
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
	// Where to serve it, as host:port. Port 0: any free port. On a loopback address reading is open to everybody on this
	// machine; any other address needs token_file or client_ca, and only /healthz and /readyz are open there.
	Address string `toml:"address"`
	// A file that holds the token which "Authorization: Bearer ..." must give. Empty: no token lets anybody in.
	TokenFile string `toml:"token_file"`
	// A file that holds a token which may read, but not change anything. Empty: none.
	ReadTokenFile string `toml:"read_token_file"`
	// On a loopback address: names that the Host header may have beside IP addresses and localhost, without ports. A web
	// page cannot make a browser ask for them under a name of its own (DNS rebinding).
	Hosts []string `toml:"hosts"`
	// A file in PEM with the certificate to show, followed by its chain. Empty: plain HTTP.
	Certificate string `toml:"certificate"`
	// The file in PEM with that certificate's key.
	Key string `toml:"key"`
	// A file in PEM with the authorities whose client certificates are as good as the token. Empty: none are asked for.
	ClientCA string `toml:"client_ca"`
	// Serve Go's profiles under /debug/pprof/.
	Pprof bool `toml:"pprof"`
}

// Metrics is the [metrics] table.
type Metrics struct {
	// A further address, as host:port, that serves /metrics, /healthz and /readyz and nothing else, without a credential.
	// Empty: none.
	Address string `toml:"address"`
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
	// What may wait for slow peers on all connections together (size). Above it, only what has nothing waiting is read;
	// nothing is dropped. Heartbeats that are kept to be replayed take from it, too, half of it at most. 0: a quarter of
	// limits.memory.
	BufferTotal Size `toml:"buffer_total"`
	// The memory that the process may use (size); Go's limit (GOMEMLIMIT) is set to 90% of it, unless the environment
	// sets GOMEMLIMIT, which wins. 0: what the container (cgroup v1 or v2) or else the machine has.
	Memory Size `toml:"memory"`
	// Client connections on all ports of one listener together; each may need a second socket towards its broker.
	// While there are as many, the ports are closed, so that clients try another broker or proxy at once. 0: no limit.
	ConnectionsPerListener int `toml:"connections_per_listener"`
	// Client connections from one address (IPv6: one /64) on all ports of one listener. A client needs one, and two
	// for each broker. One more is closed as soon as it is accepted. 0: no limit, as behind a NAT all have one address.
	ConnectionsPerAddress int `toml:"connections_per_address"`
	// Requests of one connection that may wait for their answers, long polls included. A client with as many is not read
	// until answers come. On a name-server port it is 32 at most. 0: no limit.
	RequestsPerConnection int `toml:"requests_per_connection"`
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
	// A connection that has not sent a whole header of a first request for this long is closed (duration). Clients
	// connect when they have something to send.
	FirstByte time.Duration `toml:"first_byte"`
	// A connection whose frame's header has begun to arrive and stays incomplete for this long is closed (duration).
	Header time.Duration `toml:"header"`
	// A peer that takes nothing of what waits for it for this long is disconnected (duration).
	WriteStall time.Duration `toml:"write_stall"`
	// How long one name server has to answer before the next one is asked (duration).
	NameServer time.Duration `toml:"name_server"`
	// A client connection is let go after this time, give or take 10 %, as a drain does, so that clients spread over new
	// replicas (duration). 0: never.
	ConnectionAge time.Duration `toml:"connection_age"`
}
