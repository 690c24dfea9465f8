package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every value says where it comes from, and secrets do not show.
func TestPrint(t *testing.T) {
	cfg, err := Load(Sources{
		File: write(t, `
[[cluster]]
name_servers = ["10.0.0.1:9876", "10.0.0.2:9876"]
[[listener]]
name = "office"
[listener.ports]
"broker-a/0" = 20000
[metrics]
push_url = "http://me:pw@vm:8428/import?token=abc"
push_labels = { instance = "proxy-1" }
`),
		Env:   []string{"ROCKETMQ_PROXY_LISTENER__0__BROKER_PORTS=20000-20009", "ROCKETMQ_PROXY_LISTENER__0__PORTS__broker-b/0=20004"},
		Flags: map[string]any{"listen": "127.0.0.1:9999"},
	})
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, Print(&out, cfg))
	require.Equal(t, `stat_prefix = "main"  # default
state_dir = ""  # default
drain_timeout = "30s"  # default
drain_delay = "0s"  # default
drain_go_away = true  # default
hand_over = ""  # default

[log]
level = "info"  # default
format = "text"  # default

[[cluster]]
name = "main"  # default
name_servers = ["10.0.0.1:9876", "10.0.0.2:9876"]  # file proxy.toml
refresh = "30s"  # default
send_proxy_protocol = false  # default
maintenance = false  # default
maintenance_brokers = []  # default
park_timeout = "2s"  # default

[cluster.tls]
enabled = false  # default
ca = ""  # default
certificate = ""  # default
key = ""  # default
server_name = ""  # default
insecure_skip_verify = false  # default

[[listener]]
name = "office"  # file proxy.toml
address = "127.0.0.1:9999"  # flag --listen
cluster = "main"  # default, the only cluster
advertise = ""  # default
brokers = "port-per-broker"  # default
unnamed = "refuse"  # default
transient_object_life_span = "30s"  # default
broker_ports = "20000-20009"  # environment ROCKETMQ_PROXY_LISTENER__0__BROKER_PORTS
advertise_ports = "20000-20009"  # default, as broker_ports
rewrite_message_ids = true  # default
vip_channel = true  # default
reuse_port = false  # default
stat_prefix = "main"  # default, as stat_prefix
proxy_protocol_from = []  # default

[listener.grpc]
enabled = true  # default
advertise = ""  # default
self_signed = true  # default
lease = "0s"  # default
new_group_starts = "end"  # default
delay_levels = false  # default
namespace_prefix = false  # default

[listener.tls]
mode = "off"  # default
certificate = ""  # default
key = ""  # default
client_ca = ""  # default
min_version = "1.2"  # default

[listener.ports]
"broker-a/0" = 20000  # file proxy.toml
"broker-b/0" = 20004  # environment ROCKETMQ_PROXY_LISTENER__0__PORTS__broker-b/0

[admin]
address = "127.0.0.1:9180"  # default
token_file = ""  # default
read_token_file = ""  # default
hosts = []  # default
certificate = ""  # default
key = ""  # default
client_ca = ""  # default
pprof = false  # default

[metrics]
address = ""  # default
push_url = "http://xxxxx@vm:8428/import?token=xxxxx"  # file proxy.toml
push_interval = "10s"  # default

[metrics.push_labels]
instance = "proxy-1"  # file proxy.toml

[limits]
max_frame = "16MiB"  # default
max_header = "1MiB"  # default
buffer_per_connection = "1MiB"  # default
buffer_total = "0B"  # default
memory = "0B"  # default
connections_per_listener = 30000  # default
connections_per_address = 0  # default
requests_per_connection = 4096  # default

[timeouts]
dial = "2s"  # default
handshake = "10s"  # default
idle = "2m"  # default
first_byte = "30s"  # default
header = "10s"  # default
write_stall = "1m"  # default
name_server = "1s"  # default
connection_age = "0s"  # default
one_port = "2.7s"  # default

[transport]
io_uring = "auto"  # default
`, out.String())
}

// A value that a later layer replaces does not keep the origin of its old parts.
func TestOriginOfReplacedList(t *testing.T) {
	problems(t, minimal, []string{"ROCKETMQ_PROXY_CLUSTER__0__NAME_SERVERS=nowhere"}, nil,
		`cannot use cluster[0].name_servers[0] = "nowhere" of cluster "main" (environment ROCKETMQ_PROXY_CLUSTER__0__NAME_SERVERS): `+
			`must be an address; write it as "host:port", with an IPv6 host in brackets`)
}
