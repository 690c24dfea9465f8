package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// problems loads a file and the environment and expects exactly these sentences, in this order.
func problems(t *testing.T, text string, env []string, flags map[string]any, want ...string) {
	t.Helper()
	cfg, err := Load(Sources{File: write(t, text), Env: env, Flags: flags})
	require.Nil(t, cfg)
	require.Error(t, err)
	require.Equal(t, want, strings.Split(err.Error(), "\n"))
}

func TestUnknownKeys(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		problems(t, text, nil, nil, want)
	}
	f("stat_prefx = 'a'\n"+minimal, `cannot use stat_prefx = "a" (file proxy.toml): unknown key; did you mean stat_prefix?`)
	f(minimal+"broker-ports = 0", `cannot use listener[0].broker-ports = 0 of listener "main" (file proxy.toml): unknown key; did you mean broker_ports?`)
	f("[[cluster]]\nname_server = ['a:1']\n[[listener]]\nname = 'office'",
		`cannot use cluster[0].name_server = ["a:1"] of cluster "main" (file proxy.toml): unknown key; did you mean name_servers?`)
	f(minimal+"[admin]\ndrain_timeout = '1s'",
		`cannot use admin.drain_timeout = "1s" (file proxy.toml): unknown key; drain_timeout belongs to the top of the file, above the first [table]`)
	f("push_url = 'http://me:pw@h/'\n"+minimal,
		`cannot use push_url = "http://xxxxx@h/" (file proxy.toml): unknown key; push_url is a key of [metrics]`)
	f(minimal+"[metrics]\napi_token = 'abc'",
		`cannot use metrics.api_token = "xxxxx" (file proxy.toml): unknown key; remove it, or look its name up in proxy.example.toml`)
	f(minimal+"[vault]\nwhatever = 1\nkey = 'k'",
		`cannot use vault = { key = "xxxxx", whatever = 1 } (file proxy.toml): unknown key; remove it, or look its name up in proxy.example.toml`)
	f(`"a\nb" = 1`+"\n"+minimal, `cannot use a\u000Ab = 1 (file proxy.toml): unknown key; remove it, or look its name up in proxy.example.toml`)
	f(`"" = 1`+"\n"+minimal, `cannot use "" = 1 (file proxy.toml): unknown key; remove it, or look its name up in proxy.example.toml`)
}

func TestWrongTypes(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		problems(t, text, nil, nil, want)
	}
	f("stat_prefix = 3\n"+minimal, `cannot use stat_prefix = 3 (file proxy.toml): must be a string; write it in quotes`)
	f("drain_timeout = 30\n"+minimal, `cannot use drain_timeout = 30 (file proxy.toml): must be a duration; write a number with its unit in quotes, such as "500ms", "30s", "2m" or "1d"`)
	f("drain_timeout = '30'\n"+minimal, `cannot use drain_timeout = "30" (file proxy.toml): must be a duration; write a number with its unit in quotes, such as "500ms", "30s", "2m" or "1d"`)
	f(minimal+"vip_channel = 'yes'", `cannot use listener[0].vip_channel = "yes" of listener "main" (file proxy.toml): must be true or false; write it without quotes`)
	f(minimal+"ports = { 'a/0' = '20000' }", `cannot use listener[0].ports.a/0 = "20000" of listener "main" (file proxy.toml): must be a whole number of at most 9 digits; write it without quotes`)
	f(minimal+"ports = { 'a/0' = 99999999999 }", `cannot use listener[0].ports.a/0 = 99999999999 of listener "main" (file proxy.toml): must be a whole number of at most 9 digits; write it without quotes`)
	f(minimal+"ports = 20000", `cannot use listener[0].ports = 20000 of listener "main" (file proxy.toml): must be a table; write [listener.ports] above its keys`)
	f("[[cluster]]\nname_servers = 'a:1'\n[[listener]]", `cannot use cluster[0].name_servers = "a:1" of cluster "main" (file proxy.toml): must be a list of strings; write it as ["a", "b"]`)
	f("[[cluster]]\nname_servers = ['a:1', 2]\n[[listener]]", `cannot use cluster[0].name_servers = ["a:1", 2] of cluster "main" (file proxy.toml): must be a list of strings; write it as ["a", "b"]`)
	f("admin = ':9180'\n"+minimal, `cannot use admin = ":9180" (file proxy.toml): must be a table; write [admin] above its keys`)
	f("[cluster]\nname = 'a'\n[[listener]]", `cannot use cluster = { name = "a" } (file proxy.toml): must be a list of tables; write [[cluster]] above the keys of each`)
	f("listener = [1]\n[[cluster]]\nname_servers = ['a:1']", `cannot use listener[0] = 1 of listener "main" (file proxy.toml): must be a table; write [[listener]] above its keys`)
	f(minimal+"[limits]\nmax_frame = '16 megs'", `cannot use limits.max_frame = "16 megs" (file proxy.toml): must be a size; write a whole number with its unit in quotes, such as "16MiB", "2Gi", "500KB" or "4096B"`)
	f(minimal+"[limits]\nmax_frame = 1.5", `cannot use limits.max_frame = 1.5 (file proxy.toml): must be a size; write a whole number with its unit in quotes, such as "16MiB", "2Gi", "500KB" or "4096B"`)

	const ports = `; write "20000-20999" with ports from 1 to 65535, the lower one first, or a single port, or 0 for any`
	f(minimal+"broker_ports = '20999-20000'", `cannot use listener[0].broker_ports = "20999-20000" of listener "main" (file proxy.toml): must be a port or a range of ports`+ports)
	f(minimal+"broker_ports = 70000", `cannot use listener[0].broker_ports = 70000 of listener "main" (file proxy.toml): must be a port or a range of ports`+ports)
	f(minimal+"[metrics]\npush_url = ['http://me:pw@h/']", `cannot use metrics.push_url = ["http://xxxxx@h/"] (file proxy.toml): must be a string; write it in quotes`)
}

func TestEnvironmentAndFlagProblems(t *testing.T) {
	f := func(variable, want string) {
		t.Helper()
		problems(t, minimal, []string{variable}, nil, want)
	}
	f("ROCKETMQ_PROXY_ADMIN_ADDRESS=:1", `cannot use admin_address = ":1" (environment ROCKETMQ_PROXY_ADMIN_ADDRESS): unknown key; `+
		`its name is admin.address (in the environment, ROCKETMQ_PROXY_ADMIN__ADDRESS)`)
	f("ROCKETMQ_PROXY_PORT=9876", `cannot use port = "9876" (environment ROCKETMQ_PROXY_PORT): unknown key; remove it, or look its name up in proxy.example.toml`)
	f("ROCKETMQ_PROXY_ADMIM__ADDRESS=:1", `cannot use admim = { address = ":1" } (environment ROCKETMQ_PROXY_ADMIM__ADDRESS): unknown key; did you mean admin?`)
	f("ROCKETMQ_PROXY_LISTENER__2__ADDRESS=:1", `cannot use listener.2 (environment ROCKETMQ_PROXY_LISTENER__2__ADDRESS): listener is a list, and the number is neither that of an entry nor the next one; write a number from 0 to 1, where 1 adds an entry`)
	f("ROCKETMQ_PROXY_LISTENER__0__VIP_CHANNEL=maybe", `cannot use listener[0].vip_channel = "maybe" of listener "main" (environment ROCKETMQ_PROXY_LISTENER__0__VIP_CHANNEL): must be true or false; write it without quotes`)
	f("ROCKETMQ_PROXY_CLUSTER__0__NAME_SERVERS=", `cannot use cluster[0].name_servers = [] of cluster "main" (environment ROCKETMQ_PROXY_CLUSTER__0__NAME_SERVERS): a cluster needs at least one name server; list them as ["host:9876", "other:9876"], or add a [[cluster.broker]]`)
	f("ROCKETMQ_PROXY_ADMIN=x", `cannot use admin = "x" (environment ROCKETMQ_PROXY_ADMIN): must be a table; write [admin] above its keys`)

	two := "[[cluster]]\nname = 'a'\nname_servers = ['a:1']\n[[cluster]]\nname = 'b'\nname_servers = ['a:1']\n[[listener]]\ncluster = 'a'"
	problems(t, two, nil, map[string]any{"name-server": "c:1"},
		`cannot use --name-server = "c:1": there are 2 [[cluster]] tables, and the flag could mean any of them; set name_servers in the tables themselves`)
	problems(t, minimal, nil, map[string]any{"admin": "here"},
		`cannot use admin.address = "here" (flag --admin): must be an address; write it as "host:port", with an IPv6 host in brackets`)
}

// All problems come at once, and none that only follows from another.
func TestAllProblemsAtOnce(t *testing.T) {
	problems(t, `
drain_timeout = "-1s"
log = { level = "loud" }
[[cluster]]
name = "main"
[[listener]]
name = "office"
broker_ports = "x"
advertise_ports = "30000-30009"
`, nil, nil,
		`cannot use listener[0].broker_ports = "x" of listener "office" (file proxy.toml): must be a port or a range of ports; write "20000-20999" with ports from 1 to 65535, the lower one first, or a single port, or 0 for any`,
		`cannot use drain_timeout = "-1s" (file proxy.toml): must not be negative; write "0s" to close connections at once, or a duration such as "30s"`,
		`cannot use log.level = "loud" (file proxy.toml): must be one of "debug", "info", "warn", "error"; choose one of them`,
		`cannot use cluster[0].name_servers = [] of cluster "main" (default): a cluster needs at least one name server; list them as ["host:9876", "other:9876"], or add a [[cluster.broker]]`)
}
