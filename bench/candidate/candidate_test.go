//go:build linux

package candidate

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

var site = Site{
	Front: "127.0.0.1:4711", Second: "127.0.0.1:4712", Metrics: "127.0.0.1:4713",
	NameServer: "127.0.0.1:9876", Broker: "127.0.0.1:10911", Certificate: "/tmp/pair.pem",
}

func secured(s Site) Site {
	s.ClientTLS, s.UpstreamTLS = true, true
	return s
}

// All candidates that speak TLS do so with one cipher, or with the only one that Go has on this machine.
func TestTheSameCipher(t *testing.T) {
	const cipher = "TLS_AES_128_GCM_SHA256"
	require.Contains(t, haproxyConfig(site), "\n  bind 127.0.0.1:4712\n  server sink 127.0.0.1:10911\n")
	text := haproxyConfig(secured(site))
	require.Contains(t, text, "\n  bind 127.0.0.1:4711 ssl crt /tmp/pair.pem\n  server sink 127.0.0.1:9876 ssl verify none\n")
	require.Contains(t, text, "ssl-default-bind-ciphersuites "+cipher)
	require.Contains(t, text, "ssl-default-server-ciphersuites "+cipher)

	require.Contains(t, nginxConfig(site), "server { listen 127.0.0.1:4712 reuseport backlog=4096; proxy_pass 127.0.0.1:10911; }")
	require.NotContains(t, nginxConfig(site), "ssl")
	text = nginxConfig(secured(site))
	require.Contains(t, text, "server { listen 127.0.0.1:4711 ssl reuseport backlog=4096; proxy_pass 127.0.0.1:9876; proxy_ssl on; }")
	require.Contains(t, text, "  ssl_conf_command Ciphersuites "+cipher)
	require.Contains(t, text, "proxy_ssl_conf_command Ciphersuites "+cipher)
	require.NotContains(t, text, "%!")
}

// What ours is started with is a configuration that it accepts.
func TestOurConfiguration(t *testing.T) {
	proxied := site
	proxied.Proxied = true
	onePort, routed, limited := site, site, site
	onePort.OnePort, routed.OnePort, routed.Routed, limited.Limited = true, true, true, true
	for _, s := range []Site{site, secured(site), proxied, onePort, routed, limited} {
		file := filepath.Join(t.TempDir(), "proxy.toml")
		require.NoError(t, os.WriteFile(file, []byte(oursConfig(s)), 0o600))
		c, err := config.Load(config.Sources{File: file})
		require.NoError(t, err)
		require.Equal(t, s.ClientTLS, c.Listeners[0].TLS.Mode == "required")
		require.Equal(t, s.UpstreamTLS, c.Clusters[0].TLS.Enabled)
		require.Len(t, c.Listeners, map[bool]int{false: 1, true: 2}[s.Proxied])
		require.Len(t, c.Routes, map[bool]int{true: 10}[s.Routed])
		require.Len(t, c.RequestLimits, map[bool]int{true: 1}[s.Limited])
		require.NoError(t, config.Validate(c))
	}
}

func TestVariantsDifferInTheEnvironment(t *testing.T) {
	s := site
	s.Binary, s.Before, s.Env = "/bin/now", "/bin/then", []string{"GOGC=200"}
	for name, want := range map[string][]string{
		"ours":       {"/bin/now", "GOGC=200"},
		"before":     {"/bin/then", "GOGC=200"},
		"ours-epoll": {"/bin/now", "GOGC=200", "ROCKETMQ_PROXY_TRANSPORT__IO_URING=off"},
		"ours-ids":   {"/bin/now", "GOGC=200", "ROCKETMQ_PROXY_LISTENER__0__REWRITE_MESSAGE_IDS=false"},
	} {
		chosen, err := Named(name, []string{name})
		require.NoError(t, err)
		cmd, err := chosen[0].Command(s, t.TempDir())
		require.NoError(t, err)
		require.Subset(t, append(cmd.Env, cmd.Path), want, name)
	}
}

func TestNames(t *testing.T) {
	chosen, err := Named("ours,direct", []string{"direct", "ours"})
	require.NoError(t, err)
	require.Equal(t, "ours", chosen[0].Name)
	require.True(t, chosen[0].Process())
	require.False(t, chosen[1].Process())
	_, err = Named("haproxy", []string{"direct", "ours"})
	require.ErrorContains(t, err, `there is no "haproxy"; there are direct, ours`)
}

func TestWithoutThePrograms(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := haproxy(site, t.TempDir())
	require.ErrorContains(t, err, "apt install haproxy")
	_, err = nginx(site, t.TempDir())
	require.ErrorContains(t, err, "apt install nginx libnginx-mod-stream")
}
