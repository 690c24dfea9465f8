package server

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// checked is what Check says about a configuration that is right but for a change.
func checked(t *testing.T, change func(*config.Config)) []string {
	t.Helper()
	cfg := devConfig(DevOptions{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0"}, []string{"127.0.0.1:1"})
	cfg.Limits.ConnectionsPerListener = 0
	change(cfg)
	require.NoError(t, config.Validate(cfg))
	sentences := []string{}
	found := Check(cfg)
	require.Empty(t, found.Running)
	for _, p := range found.Problems {
		sentences = append(sentences, strings.TrimPrefix(p.String(), "cannot use "))
	}
	return sentences
}

// check opens the files that serve opens.
func TestCheckFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	empty, none := file("empty", "\n"), filepath.Join(dir, "none")
	f := func(change func(*config.Config), want ...string) {
		t.Helper()
		got := checked(t, change)
		require.Len(t, got, len(want), "%q", got)
		for i := range want {
			require.Contains(t, got[i], want[i])
		}
	}
	f(func(*config.Config) {})
	f(func(c *config.Config) {
		c.Admin.TokenFile, c.Admin.ReadTokenFile = file("token", "hush"), file("read", "look")
	})
	f(func(c *config.Config) { c.Admin.TokenFile, c.Admin.ReadTokenFile = empty, none },
		`admin.token_file = "`+empty+`": the file is empty`, `admin.read_token_file = "`+none+`": the file cannot be read: no such file`)
	f(func(c *config.Config) { c.Admin.Certificate, c.Admin.Key, c.Admin.ClientCA = none, empty, empty },
		`admin.certificate = "`+none+`": the file cannot be read`, `admin.client_ca = "`+empty+`": there is no PEM certificate in it`)

	f(func(c *config.Config) {
		c.StateDir, c.HandOver = filepath.Join(dir, "made/by/serve"), filepath.Join(dir, "socket")
	})
	f(func(c *config.Config) { c.StateDir = filepath.Join(empty, "below a file") }, "state_dir = ")
	f(func(c *config.Config) { c.HandOver = filepath.Join(dir, "missing/socket") }, `/missing/socket": cannot create a file in `)
	f(func(c *config.Config) { c.HandOver = empty }, `/empty": `+empty+` exists and is not a socket; choose another path, or remove the file`)
	file("ports-dev.json", "nonsense")
	f(func(c *config.Config) { c.StateDir = dir }, `state_dir = "`+dir+`": cannot read the port table`)
	left, err := filepath.Glob(filepath.Join(dir, ".rocketmq-proxy-check-*"))
	require.NoError(t, err)
	require.Empty(t, left, "probes are removed")
}

// A certificate that is not valid now is a problem of check; serve starts with it and warns.
func TestCheckCertificateDates(t *testing.T) {
	ca := testca.New(t)
	dir := write(t, t.TempDir(), pairOf(t, ca, "mq", time.Now().Add(-time.Hour)))
	with := func(c *config.Config) {
		c.Listeners[0].TLS = config.ListenerTLS{Mode: config.TLSRequired, Certificate: dir + "/tls.crt", Key: dir + "/tls.key", MinVersion: "1.2"}
	}
	got := checked(t, with)
	require.Len(t, got, 1)
	require.Contains(t, got[0], `listener[0].tls.certificate = "`+dir+`/tls.crt" of listener "dev": the certificate has expired on `)
	cfg := devConfig(DevOptions{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0"}, []string{"127.0.0.1:1"})
	with(cfg)
	require.NoError(t, CheckFiles(cfg))
}

// check opens the addresses that serve opens, and says which process has them.
func TestCheckAddresses(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	address, port := taken.Addr().String(), taken.Addr().(*net.TCPAddr).Port
	f := func(change func(*config.Config), want string) {
		t.Helper()
		got := checked(t, change)
		require.Len(t, got, 1, "%q", got)
		require.Contains(t, got[0], want)
	}
	const inUse = ": cannot be opened: address already in use; "
	f(func(c *config.Config) { c.Listeners[0].Address = address }, `listener[0].address = "`+address+`" of listener "dev"`+inUse)
	f(func(c *config.Config) { c.Admin.Address = address }, `admin.address = "`+address+`"`+inUse)
	f(func(c *config.Config) { c.Metrics.Address = address }, `metrics.address = "`+address+`"`+inUse)
	f(func(c *config.Config) { c.Listeners[0].Ports = map[string]int{"a/0": port} }, "listener[0].ports.a/0 = "+strconv.Itoa(port)+` of listener "dev"`+inUse)
	f(func(c *config.Config) { c.Listeners[0].BrokerPorts = config.PortRange{First: port, Last: port} }, "none of these ports can be opened")
	f(func(c *config.Config) { c.Listeners[0].Address = "192.0.2.1:0" }, "cannot be opened: cannot assign requested address")
	require.Empty(t, checked(t, func(c *config.Config) { c.Listeners[0].Address, c.Listeners[0].ReusePort = address, true }))
}

// Before a reload or a hand-over the ports belong to the proxy that runs: they are not tried.
func TestCheckBesideARunningProxy(t *testing.T) {
	r := run(t, configFor(t, []string{"127.0.0.1:1"}, func(*config.Config) {}))
	cfg := *r.config()
	cfg.Admin.Address = r.AdminAddr()
	cfg.Listeners[0].Address = r.AdminAddr() // taken
	found := Check(&cfg)
	require.Equal(t, "admin.address = "+r.AdminAddr(), found.Running)
	require.Empty(t, found.Problems)
}

// What only Linux can do is refused elsewhere, by check and by serve, instead of being ignored.
func TestCheckNamesWhatTheSystemCannotDo(t *testing.T) {
	for system, want := range map[string][]string{
		"linux": nil,
		"darwin": {
			`cannot use hand_over = "/run/s": needs Linux, and this is darwin; remove it; a restart interrupts clients here`,
			`cannot use listener[0].reuse_port = true of listener "dev": needs Linux, and this is darwin; remove it; a restart interrupts clients here`,
		},
		"windows": {`hand_over`, `reuse_port`},
	} {
		cfg := devConfig(DevOptions{Listen: "127.0.0.1:0", Admin: "127.0.0.1:0"}, []string{"127.0.0.1:1"})
		c := &fileCheck{cfg: cfg}
		c.platform(system)
		require.Empty(t, c.problems)
		cfg.HandOver, cfg.Listeners[0].ReusePort = "/run/s", true
		c.platform(system)
		require.Len(t, c.problems, len(want))
		for i := range want {
			require.Contains(t, c.problems[i].String(), want[i])
		}
	}
}
