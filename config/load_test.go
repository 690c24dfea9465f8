package config

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const minimal = "[[cluster]]\nname_servers = [\"10.0.0.1:9876\"]\n[[listener]]\n"

// write puts a file called proxy.toml into a directory of its own and moves there, so that sentences name it shortly.
func write(t *testing.T, text string) string {
	t.Helper()
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("proxy.toml", []byte(text), 0o600))
	return "proxy.toml"
}

func TestLoadSuccess(t *testing.T) {
	f := func(text string, env []string, flags map[string]any, want func(*Config)) {
		t.Helper()
		got, err := Load(Sources{File: write(t, text), Env: env, Flags: flags})
		require.NoError(t, err)
		expected := Default()
		cluster, listener := DefaultCluster(), DefaultListener()
		cluster.NameServers = []string{"10.0.0.1:9876"}
		expected.Clusters, expected.Listeners = []Cluster{cluster}, []Listener{listener}
		want(expected)
		expected.Complete()
		got.origins, expected.origins = nil, nil
		require.Equal(t, expected, got)
	}
	f(minimal, nil, nil, func(c *Config) {})
	f("stat_prefix = 'x'\n"+minimal, nil, nil, func(c *Config) { c.StatPrefix = "x" })
	f(minimal+"broker_ports = 30000", nil, nil, func(c *Config) { c.Listeners[0].BrokerPorts = PortRange{30000, 30000} })
	f(minimal+"broker_ports = 0\n[listener.ports]\n'a/0' = 1234", nil, nil, func(c *Config) {
		c.Listeners[0].BrokerPorts = PortRange{}
		c.Listeners[0].Ports = map[string]int{"a/0": 1234}
	})
	f(minimal+"[listener.ports]\n'broker.x/1' = 20004", nil, nil, func(c *Config) { c.Listeners[0].Ports = map[string]int{"broker.x/1": 20004} })
	f(minimal+"advertise_ports = '30000-30999'\nadvertise = '2001:db8::1'", nil, nil, func(c *Config) {
		c.Listeners[0].AdvertisePorts = PortRange{30000, 30999}
		c.Listeners[0].Advertise = "2001:db8::1"
	})
	f(minimal+"[limits]\nmax_frame = 4194304\nmax_header = '64KiB'\n[timeouts]\nidle = '500ms'", nil, nil, func(c *Config) {
		c.Limits.MaxFrame, c.Limits.MaxHeader = 4*MiB, 64*KiB
		c.Timeouts.Idle = 500 * time.Millisecond
	})

	// The environment overrides the file, key by key, and can add entries.
	f(minimal+"[admin]\naddress = '127.0.0.1:1'", []string{"ROCKETMQ_PROXY_ADMIN__ADDRESS=127.0.0.1:2"}, nil,
		func(c *Config) { c.Admin.Address = "127.0.0.1:2" })
	f(minimal+"name = 'office'", []string{"ROCKETMQ_PROXY_LISTENER__0__ADDRESS=0.0.0.0:9999"}, nil, func(c *Config) {
		c.Listeners[0].Name, c.Listeners[0].Address = "office", "0.0.0.0:9999"
	})
	f(minimal, []string{"ROCKETMQ_PROXY_CLUSTER__0__NAME_SERVERS=a:1, b:2;c:3"}, nil,
		func(c *Config) { c.Clusters[0].NameServers = []string{"a:1", "b:2", "c:3"} })
	f("", []string{"ROCKETMQ_PROXY_CLUSTER__0__NAME_SERVERS=10.0.0.1:9876", "ROCKETMQ_PROXY_LISTENER__0__VIP_CHANNEL=false"}, nil,
		func(c *Config) { c.Listeners[0].VIPChannel = false })
	f(minimal, []string{"ROCKETMQ_PROXY_METRICS__PUSH_LABELS__INSTANCE=p1", "ROCKETMQ_PROXY_LISTENER__0__PORTS__Broker-A/0=20007", "OTHER=1"}, nil,
		func(c *Config) {
			c.Metrics.PushLabels = map[string]string{"instance": "p1"}
			c.Listeners[0].Ports = map[string]int{"Broker-A/0": 20007}
		})

	// What Kubernetes tells about a Service called rocketmq-proxy is not for us.
	f(minimal, []string{
		"ROCKETMQ_PROXY_SERVICE_HOST=10.1.1.1", "ROCKETMQ_PROXY_SERVICE_PORT=9876", "ROCKETMQ_PROXY_SERVICE_PORT_ADMIN=9180",
		"ROCKETMQ_PROXY_PORT=tcp://10.1.1.1:9876", "ROCKETMQ_PROXY_PORT_9876_TCP=tcp://10.1.1.1:9876", "ROCKETMQ_PROXY_PORT_9876_TCP_ADDR=10.1.1.1",
		"ROCKETMQ_PROXY_ADMIN_SERVICE_HOST=10.1.1.2",
	}, nil, func(c *Config) {})
	f(minimal, []string{"ROCKETMQ_PROXY_METRICS__PUSH_LABELS__SERVICE_HOST=x"}, nil,
		func(c *Config) { c.Metrics.PushLabels = map[string]string{"service_host": "x"} })

	// Flags override the environment.
	f(minimal, []string{"ROCKETMQ_PROXY_ADMIN__ADDRESS=127.0.0.1:2"}, map[string]any{"admin": "127.0.0.1:3", "log-level": "debug"}, func(c *Config) {
		c.Admin.Address, c.Log.Level = "127.0.0.1:3", "debug"
	})
}

// --name-server is enough for a whole proxy.
func TestLoadFromFlagsAlone(t *testing.T) {
	f := func(flags map[string]any, servers []string, address string) {
		t.Helper()
		cfg, err := Load(Sources{Flags: flags})
		require.NoError(t, err)
		require.Len(t, cfg.Clusters, 1)
		require.Len(t, cfg.Listeners, 1)
		require.Equal(t, servers, cfg.Clusters[0].NameServers)
		require.Equal(t, address, cfg.Listeners[0].Address)
		require.Equal(t, "main", cfg.Listeners[0].Cluster)
		require.Equal(t, "20000-20999", cfg.Listeners[0].AdvertisePorts.String())
	}
	f(map[string]any{"name-server": "a:1,b:2"}, []string{"a:1", "b:2"}, "0.0.0.0:9876")
	f(map[string]any{"name-server": "a:1", "listen": "127.0.0.1:9999"}, []string{"a:1"}, "127.0.0.1:9999")
}

// Flags are enough for a proxy behind NAT or in a container.
func TestLoadAdvertisedFromFlags(t *testing.T) {
	cfg, err := Load(Sources{Flags: map[string]any{"name-server": "a:1", "advertise": "192.0.2.1", "broker-ports": "20000-20009", "advertise-ports": "30000-30009"}})
	require.NoError(t, err)
	require.Equal(t, "192.0.2.1", cfg.Listeners[0].Advertise)
	require.Equal(t, PortRange{20000, 20009}, cfg.Listeners[0].BrokerPorts)
	require.Equal(t, PortRange{30000, 30009}, cfg.Listeners[0].AdvertisePorts)
}

func TestLoadUnreadable(t *testing.T) {
	f := func(file, want string) {
		t.Helper()
		_, err := Load(Sources{File: file})
		var problems *Problems
		require.ErrorAs(t, err, &problems)
		require.Len(t, problems.List, 1)
		require.EqualError(t, err, want)
	}
	f("nowhere.toml", "cannot read nowhere.toml: the file does not exist; give a readable TOML file with --config")
	f(".", "cannot read .: is a directory; give a readable TOML file with --config")
	f(write(t, "stat_prefix = 'a'\nlog = = 3\n"), "cannot read proxy.toml: line 2, column 7 is not TOML: "+
		"unexpected character U+003D '=' at start of value; correct that line first; the lines after it were not read")
	f(write(t, "a = 1\na = 2\n"), "cannot read proxy.toml: line 2, column 1 is not TOML: "+
		"key a is already defined; correct that line first; the lines after it were not read")
}

// Completing by hand does what Load does, and doing it again changes nothing.
func TestComplete(t *testing.T) {
	want, err := Load(Sources{File: write(t, "stat_prefix = 'p'\n"+minimal)})
	require.NoError(t, err)
	got := Default()
	got.StatPrefix = "p"
	cluster := DefaultCluster()
	cluster.NameServers = []string{"10.0.0.1:9876"}
	got.Clusters, got.Listeners = []Cluster{cluster}, []Listener{DefaultListener()}
	got.Complete()
	got.Complete()
	require.NoError(t, Validate(got))
	require.Equal(t, want.Listeners, got.Listeners)
}
