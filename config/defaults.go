package config

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Default returns a configuration with every default and without clusters and listeners.
func Default() *Config {
	return &Config{
		StatPrefix:   "main",
		DrainTimeout: 30 * time.Second,
		DrainGoAway:  true,
		Log:          Log{Level: "info", Format: "text"},
		Admin:        Admin{Address: "127.0.0.1:9180", Hosts: []string{}},
		Metrics:      Metrics{PushInterval: 10 * time.Second, PushLabels: map[string]string{}},
		Limits: Limits{
			MaxFrame: 16 * MiB, MaxHeader: 1 * MiB, BufferPerConnection: 1 * MiB,
			ConnectionsPerListener: 30_000, RequestsPerConnection: 4096,
		},
		Timeouts: Timeouts{
			Dial: 2 * time.Second, Handshake: 10 * time.Second, Idle: 120 * time.Second, FirstByte: 30 * time.Second,
			Header: 10 * time.Second, WriteStall: 60 * time.Second, NameServer: time.Second, OnePort: route.DefaultOnePortTimeout,
		},
		Transport: Transport{IOUring: IOUringAuto},
	}
}

// DefaultCluster returns what a [[cluster]] without any key is. It lacks name servers.
func DefaultCluster() Cluster {
	return Cluster{Name: "main", Refresh: 30 * time.Second, MaintenanceBrokers: []string{}, ParkTimeout: 2 * time.Second}
}

// DefaultBroker returns what a [[cluster.broker]] without any key is. It lacks an address.
func DefaultBroker() Broker {
	return Broker{Name: "broker-a", Cluster: "DefaultCluster", ReadQueues: 8, WriteQueues: 8, Perm: 6, Topics: []string{"*"}, Metadata: map[string]string{}}
}

// DefaultListener returns what a [[listener]] without any key is.
func DefaultListener() Listener {
	return Listener{
		Name:    "main",
		Address: "0.0.0.0:9876",
		Brokers: PortPerBroker,
		Unnamed: Refuse,

		TransientObjectLifeSpan: 30 * time.Second,

		BrokerPorts:       PortRange{First: 20000, Last: 20999},
		RewriteMessageIDs: true,
		VIPChannel:        true,
		ProxyProtocolFrom: []string{},
		GRPC:              ListenerGRPC{Enabled: true, SelfSigned: true, NewGroupStarts: StartAtEnd},
		TLS:               ListenerTLS{Mode: TLSOff, MinVersion: "1.2"},
	}
}

// DefaultRoute returns what a [[route]] without any key is. It lacks a cluster.
func DefaultRoute() Route { return Route{Headers: []HeaderMatcher{}, Subset: map[string]string{}} }

// DefaultMaintenance returns what a [[maintenance]] without any key is. It lacks what it is about.
func DefaultMaintenance() Maintenance {
	return Maintenance{Mode: route.ModeReadOnly, Grace: 40 * time.Second}
}

// DefaultLimit returns what a [[limit]] without any key is. It lacks a name and a limit.
func DefaultLimit() Limit { return Limit{Addresses: []string{"0.0.0.0/0", "::/0"}} }

// setDefaults gives an entry of a list of tables its defaults before its keys are read.
func setDefaults(entry any) {
	switch e := entry.(type) {
	case *Cluster:
		*e = DefaultCluster()
	case *Listener:
		*e = DefaultListener()
	case *Broker:
		*e = DefaultBroker()
	case *Maintenance:
		*e = DefaultMaintenance()
	case *Route:
		*e = DefaultRoute()
	case *Limit:
		*e = DefaultLimit()
	}
}

// Complete fills in what follows from other keys: a listener's cluster when there is only one, its stat_prefix from
// the top level, its advertise_ports from broker_ports. [Load] has done it already.
func (c *Config) Complete() {
	follows := func(at, key, origin string) {
		if c.origins != nil {
			c.origins[join(at, key)] = "default, " + origin
		}
	}
	for i := range c.Listeners {
		l, at := &c.Listeners[i], index("listener", i)
		if l.Cluster == "" && len(c.Clusters) == 1 {
			l.Cluster = c.Clusters[0].Name
			follows(at, "cluster", "the only cluster")
		}
		if l.StatPrefix == "" {
			l.StatPrefix = c.StatPrefix
			follows(at, "stat_prefix", "as stat_prefix")
		}
		if l.AdvertisePorts.Any() && !l.BrokerPorts.Any() && l.Brokers != OnePort {
			l.AdvertisePorts = l.BrokerPorts
			follows(at, "advertise_ports", "as broker_ports")
		}
	}
}
