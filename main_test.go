package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// call runs the program as a shell would.
func call(env []string, args ...string) (code int, stdout, stderr string) {
	var out, errs strings.Builder
	code = run(args, env, &out, &errs)
	return code, out.String(), errs.String()
}

func writeConfig(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "proxy.toml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	return file
}

func TestBadUsage(t *testing.T) {
	f := func(sentence, command string, args ...string) {
		t.Helper()
		code, stdout, stderr := call(nil, args...)
		require.Equal(t, 2, code)
		require.Empty(t, stdout)
		require.Equal(t, sentence+"\nsee "+command+" --help\n", stderr)
	}
	f(`cannot run rocketmq-proxy: no command is given`, "rocketmq-proxy")
	f(`cannot run rocketmq-proxy: unknown command "start" for "rocketmq-proxy"`, "rocketmq-proxy", "start")
	f(`cannot run rocketmq-proxy: unknown flag: --port`, "rocketmq-proxy", "--port", "1")
	f(`cannot run rocketmq-proxy serve: unknown flag: --port`, "rocketmq-proxy serve", "serve", "--port", "1")
	f(`cannot run rocketmq-proxy serve: unexpected argument "proxy.toml"`, "rocketmq-proxy serve", "serve", "proxy.toml")
	f(`cannot run rocketmq-proxy dev: unknown flag: --config`, "rocketmq-proxy dev", "dev", "--config", "x")
	f(`cannot run rocketmq-proxy check: flag needs an argument: --config`, "rocketmq-proxy check", "check", "--config")
}

func TestHelpIsNoMistake(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		code, stdout, stderr := call(nil, args...)
		require.Equal(t, 0, code)
		require.Empty(t, stderr)
		require.Contains(t, stdout, want)
	}
	f("Available Commands:", "--help")
	f("--name-server host:port[,host:port]", "serve", "--help")
	f("--check-only", "dev", "-h")
	f("__start_rocketmq-proxy", "completion", "bash")
}

// A taken address of dev is told by the flag that takes it, with one that works.
func TestDevOnTakenAddress(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	code, stdout, stderr := call(nil, "dev", "--listen", taken.Addr().String(), "--admin", taken.Addr().String())
	require.Equal(t, 1, code)
	require.Empty(t, stdout)
	require.Equal(t, "--listen "+taken.Addr().String()+" is taken (a name server on this machine?); try --listen 127.0.0.1:0\n"+
		"--admin "+taken.Addr().String()+" is taken (another proxy on this machine?); try --admin 127.0.0.1:0\n", stderr)
}

// serve refuses a bad configuration before it opens anything.
func TestServeRefusesBadConfiguration(t *testing.T) {
	code, stdout, stderr := call(nil, "serve", "--name-server", "nowhere", "--log-level", "loud")
	require.Equal(t, 2, code)
	require.Empty(t, stdout)
	require.Equal(t, `cannot use log.level = "loud" (flag --log-level): must be one of "debug", "info", "warn", "error"; choose one of them
cannot use cluster[0].name_servers[0] = "nowhere" of cluster "main" (flag --name-server): must be an address; write it as "host:port", with an IPv6 host in brackets
`, stderr)
}

func TestCheck(t *testing.T) {
	f := func(text string, code int, stdout, stderr string) {
		t.Helper()
		gotCode, gotOut, gotErr := call(nil, "check", "--config", writeConfig(t, text))
		require.Equal(t, code, gotCode)
		require.Equal(t, stdout, gotOut)
		require.Equal(t, stderr, gotErr)
	}
	const rest = "address = '127.0.0.1:0'\nbroker_ports = 0\n[admin]\naddress = '127.0.0.1:0'\n[limits]\nconnections_per_listener = 0\n"
	f("[[cluster]]\nname_servers = ['10.0.0.1:9876']\n[[listener]]\n"+rest, 0, "the configuration is valid: clusters: 1, listeners: 1\n", "")
	f("", 2, `cannot use cluster: no cluster is configured; add a [[cluster]] with name_servers to the file, or start with --name-server host:port
cannot use listener: no listener is configured; add a [[listener]] to the file; without keys it listens on 0.0.0.0:9876
`, "problems found: 2\n")
}

// What is wrong with the configuration and with the files that it names comes at once.
func TestCheckReportsKeysAndFiles(t *testing.T) {
	file := writeConfig(t, "stat_prefx = 'a'\n[[cluster]]\nname_servers = ['10.0.0.1:9876']\n[[listener]]\n[admin]\ntoken_file = '/nowhere/token'\n")
	code, stdout, stderr := call(nil, "check", "--config", file)
	require.Equal(t, 2, code)
	require.Equal(t, "cannot use stat_prefx = \"a\" (file "+file+"): unknown key; did you mean stat_prefix?\n"+
		"cannot use admin.token_file = \"/nowhere/token\" (file "+file+"): the file cannot be read: no such file or directory; "+
		"make it readable for the user of the proxy, or correct the path\n", stdout)
	require.Equal(t, "problems found: 2\n", stderr)

	// serve refuses what check finds in files.
	code, stdout, stderr = call([]string{"ROCKETMQ_PROXY_ADMIN__TOKEN_FILE=/nowhere/token"}, "serve", "--name-server", "10.0.0.1:9876")
	require.Equal(t, 2, code)
	require.Empty(t, stdout)
	require.Contains(t, stderr, `cannot use admin.token_file = "/nowhere/token" (environment ROCKETMQ_PROXY_ADMIN__TOKEN_FILE): the file cannot be read`)
}

// Warnings are told, and count with --strict only.
func TestCheckWarnings(t *testing.T) {
	args := []string{"check", "--name-server", "10.0.0.1:9876", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--broker-ports", "0", "--advertise", "mq.example.com"}
	env := []string{"ROCKETMQ_PROXY_LISTENER__0__REWRITE_MESSAGE_IDS=true", "ROCKETMQ_PROXY_LIMITS__CONNECTIONS_PER_LISTENER=1000000000"}
	code, stdout, stderr := call(env, args...)
	require.Equal(t, 0, code, stderr)
	require.Contains(t, stdout, `warning: listener[0].advertise = "mq.example.com" of listener "main" (flag --advertise): message ids and store hosts keep the brokers' own addresses`)
	require.Contains(t, stdout, "warning: limits.connections_per_listener = 1000000000 (environment ROCKETMQ_PROXY_LIMITS__CONNECTIONS_PER_LISTENER): may need 2000000256 open files")
	require.Contains(t, stdout, "the configuration is valid: clusters: 1, listeners: 1\n")
	code, _, stderr = call(env, append(args, "--strict")...)
	require.Equal(t, 2, code)
	require.Equal(t, "problems found: 2\n", stderr)
}

func TestCheckDial(t *testing.T) {
	open, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer open.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())

	free := []string{"check", "--dial", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--broker-ports", "0", "--name-server"}
	env := []string{"ROCKETMQ_PROXY_LIMITS__CONNECTIONS_PER_LISTENER=0"}
	code, stdout, stderr := call(env, append(free, open.Addr().String())...)
	require.Equal(t, 0, code, stderr)
	require.Equal(t, "every name server and static broker can be reached: 1\nthe configuration is valid: clusters: 1, listeners: 1\n", stdout)

	code, stdout, stderr = call(env, append(free, open.Addr().String()+","+closed.Addr().String())...)
	require.Equal(t, 2, code)
	require.Contains(t, stdout, "cannot reach name server "+closed.Addr().String()+` of cluster "main": `)
	require.Equal(t, "problems found: 1\n", stderr)
}

// config shows what the environment and flags made of the file.
func TestConfig(t *testing.T) {
	file := writeConfig(t, "[[cluster]]\nname_servers = ['10.0.0.1:9876']\n[[listener]]\n[metrics]\npush_url = 'http://me:pw@h/'")
	code, stdout, stderr := call([]string{"ROCKETMQ_PROXY_STATE_DIR=/tmp/x"}, "config", "--config", file, "--listen", "127.0.0.1:1")
	require.Equal(t, 0, code, stderr)
	require.Empty(t, stderr)
	f := func(line string) {
		t.Helper()
		require.Contains(t, strings.Split(stdout, "\n"), line)
	}
	f(`stat_prefix = "main"  # default`)
	f(`state_dir = "/tmp/x"  # environment ROCKETMQ_PROXY_STATE_DIR`)
	f(`name_servers = ["10.0.0.1:9876"]  # file ` + file)
	f(`address = "127.0.0.1:1"  # flag --listen`)
	f(`push_url = "http://xxxxx@h/"  # file ` + file)

	code, _, stderr = call(nil, "config", "--config", "nowhere.toml")
	require.Equal(t, 2, code)
	require.Equal(t, "cannot read nowhere.toml: the file does not exist; give a readable TOML file with --config\n", stderr)
}

func TestVersion(t *testing.T) {
	code, stdout, stderr := call(nil, "version")
	require.Equal(t, 0, code)
	require.Empty(t, stderr)
	_, flag, _ := call(nil, "--version")
	require.Equal(t, stdout, flag)
	require.Regexp(t, `^rocketmq-proxy dev( \([0-9a-f]+(, modified)?\))? go1\.\S+ \w+/\w+\n$`, stdout)
}
