package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// valid is a configuration that a test can spoil.
func valid(listeners int) *Config {
	cfg := Default()
	cluster := DefaultCluster()
	cluster.NameServers = []string{"10.0.0.1:9876"}
	cfg.Clusters = []Cluster{cluster}
	for i := range listeners {
		l := DefaultListener()
		l.Name = string(rune('a' + i))
		l.Address = "0.0.0.0:" + []string{"9876", "9877", "9878"}[i]
		l.BrokerPorts = PortRange{20000 + 1000*i, 20999 + 1000*i}
		cfg.Listeners = append(cfg.Listeners, l)
	}
	return cfg
}

func TestValidateSuccess(t *testing.T) {
	f := func(listeners int, change func(*Config)) {
		t.Helper()
		cfg := valid(listeners)
		change(cfg)
		cfg.Complete()
		require.NoError(t, Validate(cfg))
	}
	f(3, func(c *Config) {})
	f(1, func(c *Config) { c.DrainTimeout = 0 })
	f(2, func(c *Config) { // the same ports on two addresses of the machine
		c.Listeners[0].Address, c.Listeners[1].Address = "10.0.0.1:9000", "10.0.0.2:9000"
		c.Listeners[1].BrokerPorts = c.Listeners[0].BrokerPorts
	})
	f(2, func(c *Config) { // any free port claims none
		c.Listeners[0].Address, c.Listeners[1].Address = "127.0.0.1:0", "127.0.0.1:0"
		c.Listeners[0].BrokerPorts, c.Listeners[1].BrokerPorts = PortRange{}, PortRange{}
		c.Admin.Address = "127.0.0.1:0"
	})
	f(1, func(c *Config) { c.Listeners[0].Ports = map[string]int{"a/0": 20000, "a/1": 20001, "b.x/0": 20004} })
	f(1, func(c *Config) {
		c.Listeners[0].VIPChannel = false
		c.Listeners[0].Ports = map[string]int{"a/0": 20000, "b/0": 20002}
	})
	f(1, func(c *Config) {
		c.Clusters[0].NameServers = []string{"127.0.0.1:9000", "ns-0.mq.svc.cluster.local:9876", "[::1]:9000"}
	})
	f(1, func(c *Config) { c.Admin.Address = "localhost:9180" })
	f(1, func(c *Config) { c.Admin.Address, c.Admin.TokenFile = ":9180", "token" })
	f(1, func(c *Config) {
		c.Admin = Admin{Address: "10.0.0.1:9180", Certificate: "c.pem", Key: "k.pem", ClientCA: "ca.pem"}
	})
	f(1, func(c *Config) { c.Limits.ConnectionsPerListener, c.Limits.RequestsPerConnection = 0, 0 })
	f(1, func(c *Config) { c.Limits.ConnectionsPerListener, c.Limits.ConnectionsPerAddress = 0, 11 })
	f(1, func(c *Config) { c.Limits.Memory, c.Limits.BufferTotal = 100*MiB, 50*MiB })
	f(1, func(c *Config) { c.Metrics.PushURL = "https://me:pw@h:8428/x?token=1" })
}

func TestValidateFailure(t *testing.T) {
	f := func(change func(*Config), want ...string) {
		t.Helper()
		cfg := valid(2)
		change(cfg)
		cfg.Complete()
		err := Validate(cfg)
		require.Error(t, err)
		require.Equal(t, want, strings.Split(err.Error(), "\n"))
	}
	ports := func(p ...int) PortRange { return PortRange{p[0], p[1]} }

	f(func(c *Config) { *c = *Default() },
		`cannot use cluster: no cluster is configured; add a [[cluster]] with name_servers to the file, or start with --name-server host:port`,
		`cannot use listener: no listener is configured; add a [[listener]] to the file; without keys it listens on 0.0.0.0:9876`)
	f(func(c *Config) { c.StatPrefix = "a b" },
		`cannot use stat_prefix = "a b": must consist of letters, digits, and - . _ between them; choose such a name`)
	f(func(c *Config) { c.DrainTimeout = -1 },
		`cannot use drain_timeout = "-1ns": must not be negative; write "0s" to close connections at once, or a duration such as "30s"`)
	f(func(c *Config) { c.DrainDelay = -1 },
		`cannot use drain_delay = "-1ns": must not be negative; write "0s" to begin at once, or a duration such as "30s"`)
	f(func(c *Config) { c.HandOver = "hand-over.sock" },
		`cannot use hand_over = "hand-over.sock": must be an absolute path: a process in another directory would use another socket; write a path such as "/run/rocketmq-proxy/hand-over.sock"`)
	f(func(c *Config) { c.HandOver = "/" + strings.Repeat("x", 103) },
		`cannot use hand_over = "/`+strings.Repeat("x", 103)+`": is too long for a Unix socket: 104 bytes, at most 103 are allowed; choose a shorter path`)
	f(func(c *Config) { c.Log.Format = "xml" },
		`cannot use log.format = "xml": must be one of "text", "json"; choose one of them`)
	f(func(c *Config) { c.Timeouts.Dial, c.Clusters[0].Refresh = 0, -1 },
		`cannot use cluster[0].refresh = "-1ns" of cluster "main": must be above zero; write a duration such as "1s"`,
		`cannot use timeouts.dial = "0s": must be above zero; write a duration such as "1s"`)

	// Clusters.
	f(func(c *Config) {
		c.Clusters = append(c.Clusters, c.Clusters[0])
		c.Listeners = c.Listeners[:1]
		c.Listeners[0].Cluster = "main"
	},
		`cannot use cluster[1].name = "main" of cluster "main": is the same as cluster[0].name; give each a name of its own`)
	f(func(c *Config) { c.Clusters[0].NameServers = []string{"10.0.0.1"} },
		`cannot use cluster[0].name_servers[0] = "10.0.0.1" of cluster "main": must be an address; write it as "host:port", with an IPv6 host in brackets`)
	f(func(c *Config) { c.Clusters[0].NameServers = []string{"localhost:9876"} },
		`cannot use cluster[0].name_servers[0] = "localhost:9876" of cluster "main": is the address of the proxy's own listener "a"; write the address of the name server, or give the listener another port`)

	// Listeners.
	f(func(c *Config) { c.Listeners[1].Name = "a" },
		`cannot use listener[1].name = "a" of listener "a": is the same as listener[0].name; give each a name of its own`)
	f(func(c *Config) { c.Listeners[1].Cluster = "other" },
		`cannot use listener[1].cluster = "other" of listener "b": no [[cluster]] has that name; write one of main`)
	f(func(c *Config) {
		c.Clusters = append(c.Clusters, c.Clusters[0])
		c.Clusters[1].Name = "second"
		c.Listeners[1].Cluster = "second"
	}, `cannot use listener[0].cluster = "" of listener "a": there are 2 clusters to choose from; write one of main, second`)
	f(func(c *Config) { c.Listeners[0].Brokers = "two-ports" },
		`cannot use listener[0].brokers = "two-ports" of listener "a": must be one of "port-per-broker", "one-port"; choose one of them`)
	f(func(c *Config) { c.Listeners[0].Unnamed, c.Listeners[0].TransientObjectLifeSpan = "guess", 0 },
		`cannot use listener[0].unnamed = "guess" of listener "a": must be one of "refuse", "balance"; choose one of them`,
		`cannot use listener[0].transient_object_life_span = "0s" of listener "a": must be above zero; write a duration such as "1s"`)
	f(func(c *Config) { c.Timeouts.OnePort = -1 },
		`cannot use timeouts.one_port = "-1ns": must not be negative; write "0s" to wait as long as brokers take, or a duration such as "30s"`)

	// One port for all brokers.
	onePort := func(change func(l *Listener)) func(*Config) {
		return func(c *Config) {
			l := &c.Listeners[0]
			l.Brokers, l.BrokerPorts, l.AdvertisePorts = OnePort, DefaultListener().BrokerPorts, PortRange{}
			change(l)
		}
	}
	f(onePort(func(l *Listener) { l.BrokerPorts = ports(20000, 20009) }),
		`cannot use listener[0].broker_ports = "20000-20009" of listener "a": brokers have no ports of their own with brokers = "one-port"; remove it`)
	f(onePort(func(l *Listener) { l.Ports = map[string]int{"b/0": 20000} }),
		`cannot use listener[0].ports = { "b/0" = 20000 } of listener "a": brokers have no ports of their own with brokers = "one-port"; remove it`)
	f(onePort(func(l *Listener) { l.AdvertisePorts = ports(30000, 30009) }),
		`cannot use listener[0].advertise_ports = "30000-30009" of listener "a": must be one port with brokers = "one-port"; write the port that clients connect to, such as "30000"`)
	f(onePort(func(l *Listener) { l.AdvertisePorts, l.VIPChannel = ports(2, 2), true }),
		`cannot use listener[0].advertise_ports = "2" of listener "a": leaves no port for the VIP channel, which is 2 below; choose a higher port, or set vip_channel = false`)
	f(onePort(func(l *Listener) { l.Address, l.VIPChannel = "127.0.0.1:2", true }),
		`cannot use listener[0].address = "127.0.0.1:2" of listener "a": leaves no port for the VIP channel, which is 2 below 2; choose a higher port, or set vip_channel = false`)
	f(func(c *Config) {
		onePort(func(l *Listener) { l.Address, l.VIPChannel = "127.0.0.1:9876", true })(c)
		c.Listeners[1].Address = "127.0.0.1:9874"
	},
		`cannot use listener[1].address = "127.0.0.1:9874" of listener "b": needs port 9874, which belongs to the VIP channel of listener "a"; give each ports of its own`)
	const host = `: must be a host name or an IP address, without a port; write it as "mq.example.com", "192.0.2.1" or "2001:db8::1", without brackets; advertise_ports are the ports`
	f(func(c *Config) { c.Listeners[0].Advertise = "mq.example.com:9876" }, `cannot use listener[0].advertise = "mq.example.com:9876" of listener "a"`+host)
	f(func(c *Config) { c.Listeners[0].Advertise = "10.0.0.256" }, `cannot use listener[0].advertise = "10.0.0.256" of listener "a"`+host)
	f(func(c *Config) { c.Listeners[0].Advertise = "[::1]" }, `cannot use listener[0].advertise = "[::1]" of listener "a"`+host)
	f(func(c *Config) { c.Listeners[0].Advertise = "::" },
		`cannot use listener[0].advertise = "::" of listener "a": clients cannot connect to it; write an address that they can connect to, or "" for the one that they used`)

	// Ports.
	f(func(c *Config) { c.Listeners[0].AdvertisePorts = ports(30000, 30009) },
		`cannot use listener[0].advertise_ports = "30000-30009" of listener "a": must be as long as broker_ports: 10 ports instead of 1000; give both ranges the same length, or remove advertise_ports`)
	f(func(c *Config) {
		c.Listeners[0].AdvertisePorts, c.Listeners[0].BrokerPorts = ports(30000, 30009), PortRange{}
	},
		`cannot use listener[0].advertise_ports = "30000-30009" of listener "a": must be as long as broker_ports: 10 ports instead of 1; give both ranges the same length, or remove advertise_ports`)
	f(func(c *Config) {
		c.Listeners[0].Ports = map[string]int{"a": 20000, "b/0": 20010, "c/0": 20010, "d/0": 30000, "e/0": 70000, "f/0": 20012}
	},
		`cannot use listener[0].ports.a = 20000 of listener "a": the key is not a broker; write it as "name/id", such as "broker-a/0"`,
		`cannot use listener[0].ports.c/0 = 20010 of listener "a": is the port of b/0 already; give each broker a port of its own`,
		`cannot use listener[0].ports.e/0 = 70000 of listener "a": must be a port from 3 to 65535; choose another port`,
		`cannot use listener[0].ports.f/0 = 20012 of listener "a": clients <= 4.4 dial two ports below it and would reach b/0; leave port - 2 of every broker free, or set vip_channel = false`,
		`cannot use listener[0].ports.d/0 = 30000 of listener "a": lies outside of broker_ports, which is 20000-20999; choose a port of broker_ports`)

	// Sockets.
	f(func(c *Config) { c.Listeners[1].Address = "127.0.0.1:9876" },
		`cannot use listener[1].address = "127.0.0.1:9876" of listener "b": needs port 9876, which belongs to the address of listener "a"; give each ports of its own`)
	f(func(c *Config) { c.Listeners[0].Address = "0.0.0.0:20500" },
		`cannot use listener[0].broker_ports = "20000-20999" of listener "a": needs port 20500, which belongs to the address of listener "a"; give each ports of its own`)
	f(func(c *Config) { c.Listeners[1].BrokerPorts = ports(20996, 21001) },
		`cannot use listener[1].broker_ports = "20996-21001" of listener "b": needs port 20994 for its VIP channel (vip_channel), which belongs to the brokers of listener "a"; give each ports of its own`)
	f(func(c *Config) {
		c.Listeners[0].BrokerPorts = PortRange{}
		c.Listeners[0].Ports = map[string]int{"x/0": 9876}
	}, `cannot use listener[0].ports.x/0 = 9876 of listener "a": needs port 9876, which belongs to the address of listener "a"; give each ports of its own`)
	f(func(c *Config) { c.Admin.Address = "127.0.0.1:20008" },
		`cannot use admin.address = "127.0.0.1:20008": needs port 20008, which belongs to the brokers of listener "a"; give each ports of its own`)
	f(func(c *Config) { c.Listeners[0].BrokerPorts = ports(9878, 9885) },
		`cannot use listener[0].broker_ports = "9878-9885" of listener "a": needs port 9876 for its VIP channel (vip_channel), which belongs to the address of listener "a"; give each ports of its own`,
		`cannot use listener[1].address = "0.0.0.0:9877" of listener "b": needs port 9877, which belongs to the brokers of listener "a"; give each ports of its own`)
	f(func(c *Config) {
		c.Listeners[0].BrokerPorts, c.Listeners[1].BrokerPorts = ports(20000, 20001), ports(20002, 20003)
	},
		`cannot use listener[1].broker_ports = "20002-20003" of listener "b": needs port 20000 for its VIP channel (vip_channel), which belongs to the brokers of listener "a"; give each ports of its own`)
	f(func(c *Config) { c.Listeners[0].BrokerPorts = ports(1, 100) },
		`cannot use listener[0].broker_ports = "1-100" of listener "a": leaves no port for the VIP channel, which is 2 below each broker's; begin the range at 3 or above, or set vip_channel = false`)
	f(func(c *Config) {
		c.Listeners[0].BrokerPorts, c.Listeners[0].AdvertisePorts = ports(20000, 20007), ports(1, 8)
		c.Listeners[1].BrokerPorts, c.Listeners[1].AdvertisePorts = ports(21000, 21007), ports(2, 9)
	},
		`cannot use listener[0].advertise_ports = "1-8" of listener "a": leaves no port for the VIP channel, which is 2 below each broker's; begin the range at 3 or above, or set vip_channel = false`,
		`cannot use listener[1].advertise_ports = "2-9" of listener "b": leaves no port for the VIP channel, which is 2 below each broker's; begin the range at 3 or above, or set vip_channel = false`)
	f(func(c *Config) {
		c.Listeners[0].BrokerPorts, c.Listeners[0].Ports = PortRange{}, map[string]int{"b/0": 2}
	},
		`cannot use listener[0].ports.b/0 = 2 of listener "a": must be a port from 3 to 65535; choose another port`)
	f(func(c *Config) { c.Admin.Address = "" },
		`cannot use admin.address = "": must be an address; write it as "host:port", with an IPv6 host in brackets`)

	f(func(c *Config) { c.Metrics.Address = "0.0.0.0:9180" },
		`cannot use metrics.address = "0.0.0.0:9180": needs port 9180, which belongs to the admin address; give each ports of its own`)
	f(func(c *Config) { c.Metrics.Address = "9180" },
		`cannot use metrics.address = "9180": must be an address; write it as "host:port", with an IPv6 host in brackets`)
	f(func(c *Config) { c.Admin.Hosts = []string{"proxy.example.com", "proxy:9180"} },
		`cannot use admin.hosts[1] = "proxy:9180": must be a host name without a port; write it as "proxy.example.com"`)
	f(func(c *Config) { c.Transport.IOUring = "on" },
		`cannot use transport.io_uring = "on": must be one of "auto", "off"; choose one of them`)
	f(func(c *Config) { c.Timeouts.ConnectionAge = -1 },
		`cannot use timeouts.connection_age = "-1ns": must not be negative; write "0s" for no limit, or a duration such as "30s"`)

	// Metrics and limits.
	f(func(c *Config) { c.Metrics.PushURL = "me:pw@host:8428" },
		`cannot use metrics.push_url = "xxxxx@host:8428": must be an HTTP or HTTPS URL; write it as "http://host:port/path" or "https://…"`)
	f(func(c *Config) { c.Metrics.PushLabels = map[string]string{"a-b": "c"} },
		`cannot use metrics.push_labels.a-b = "c": is not a valid label name; use letters, digits and _, and do not begin with a digit`)
	f(func(c *Config) { c.Limits.MaxFrame = 0 },
		`cannot use limits.max_frame = "0B": must be a size from 1B to 2147483647B; choose a size in between`)
	f(func(c *Config) { c.Limits.MaxFrame = 4 * KiB },
		`cannot use limits.max_header = "1MiB": must not be larger than limits.max_frame, which is 4KiB: a frame contains its header; lower it, or raise limits.max_frame`)
	f(func(c *Config) { c.Limits.Memory = MiB },
		`cannot use limits.memory = "1MiB": is less than the process needs, which is 32MiB; raise it, or write "0B" for what the container or the machine has`)
	f(func(c *Config) { c.Limits.BufferTotal = KiB },
		`cannot use limits.buffer_total = "1KiB": must not be less than limits.buffer_per_connection, which is 1MiB; raise it, or write "0B" for a quarter of limits.memory`)
	f(func(c *Config) { c.Limits.Memory, c.Limits.BufferTotal = 100*MiB, 60*MiB },
		`cannot use limits.buffer_total = "60MiB": must not be more than half of limits.memory, which is 100MiB; lower it, or raise limits.memory`)
	f(func(c *Config) { c.Limits.ConnectionsPerListener, c.Limits.RequestsPerConnection = -1, -2 },
		`cannot use limits.connections_per_listener = -1: must not be negative; write a number from 1, or 0 for no limit`,
		`cannot use limits.requests_per_connection = -2: must not be negative; write a number from 1, or 0 for no limit`)
	f(func(c *Config) { c.Limits.ConnectionsPerListener, c.Limits.ConnectionsPerAddress = 10, 11 },
		`cannot use limits.connections_per_address = 11: must not be larger than limits.connections_per_listener, which is 10; lower it, or raise limits.connections_per_listener`)
	f(func(c *Config) {
		c.Timeouts.Handshake, c.Timeouts.FirstByte, c.Timeouts.Header, c.Timeouts.WriteStall = -1, 0, -1, 0
	},
		`cannot use timeouts.handshake = "-1ns": must be above zero; write a duration such as "1s"`,
		`cannot use timeouts.first_byte = "0s": must be above zero; write a duration such as "1s"`,
		`cannot use timeouts.header = "-1ns": must be above zero; write a duration such as "1s"`,
		`cannot use timeouts.write_stall = "0s": must be above zero; write a duration such as "1s"`)
}

func TestSameHost(t *testing.T) {
	f := func(a, b string, want bool) {
		t.Helper()
		require.Equal(t, want, hostToListenOn(a).overlaps(hostToListenOn(b)), "%q %q", a, b)
		require.Equal(t, want, hostToListenOn(b).overlaps(hostToListenOn(a)), "%q %q", b, a)
	}
	f("", "10.0.0.1", true)
	f("::", "10.0.0.1", true)
	f("0.0.0.0", "10.0.0.1", true)
	f("0.0.0.0", "::1", true) // Go opens one socket for both families
	f("0.0.0.0", "::", true)
	f("10.0.0.1", "10.0.0.2", false)
	f("localhost", "127.0.0.1", true)
	f("mq.example.com", "10.0.0.1", false)
	f("mq.example.com", "0.0.0.0", true)
}
