package config

import "time"

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
