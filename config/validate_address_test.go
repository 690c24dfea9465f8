package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An address that is dialed names a host and a port: without them it would be this machine by accident.
func TestAddressesToDialAreComplete(t *testing.T) {
	f := func(change func(*Config), want string) {
		t.Helper()
		cfg := valid(1)
		change(cfg)
		cfg.Complete()
		err := Validate(cfg)
		if want == "" {
			require.NoError(t, err)
			return
		}
		require.EqualError(t, err, "cannot use "+want)
	}
	nameServer := func(address, want string) {
		t.Helper()
		f(func(c *Config) { c.Clusters[0].NameServers[0] = address }, `cluster[0].name_servers[0] = "`+address+`" of cluster "main": `+want)
	}
	const host = `names no host to connect to; write it as "host:`
	nameServer(":9875", host+`9875"`)
	nameServer("0.0.0.0:9875", host+`9875"`)
	nameServer("[::]:9875", host+`9875"`)
	nameServer(":0", host+`9876"`)
	nameServer("ns:0", `names no port to connect to; write it as "host:port"`)
	nameServer("ns:99999", `must be an address; write it as "host:port", with an IPv6 host in brackets`)

	for url, good := range map[string]bool{
		"http://:8428/x": false, "http://h:99999": false, "http://h:0/": false, "http:///x": false, "//h/x": false, "ftp://h/": false,
		"http://h/x": true, "https://[::1]:8428": true,
	} {
		want := `metrics.push_url = "` + url + `": must be an HTTP or HTTPS URL; write it as "http://host:port/path" or "https://…"`
		if good {
			want = ""
		}
		f(func(c *Config) { c.Metrics.PushURL = url }, want)
	}

	secured := func(name string) func(*Config) {
		return func(c *Config) { c.Clusters[0].TLS = ClusterTLS{Enabled: true, ServerName: name} }
	}
	f(secured("mq.example.com"), "")
	f(secured("10.0.0.1"), "")
	f(secured("mq.example.com:10911"), `cluster[0].tls.server_name = "mq.example.com:10911" of cluster "main": `+
		`must be a host name or an IP address, without a port; write it as "mq.example.com"`)

	from := func(network string) func(*Config) {
		return func(c *Config) { c.Listeners[0].ProxyProtocolFrom = []string{network} }
	}
	f(from("0.0.0.0/0"), "")
	f(from("::/0"), "")
	for _, network := range []string{"0.0.0.0", "::"} {
		f(from(network), `listener[0].proxy_protocol_from[0] = "`+network+`" of listener "a": is no address that a connection comes from; write "`+network+`/0" for every address`)
	}
	// Of an address to listen on, no host means every host.
	f(func(c *Config) { c.Listeners[0].Address, c.Metrics.Address = ":9876", ":9181" }, "")
}

// 0.0.0.0 is opened for both families, so it is in the way of an IPv6 address.
func TestEveryHostIsOfBothFamilies(t *testing.T) {
	cfg := valid(2)
	cfg.Listeners[0].Address, cfg.Listeners[1].Address = "0.0.0.0:9876", "[::1]:9876"
	cfg.Complete()
	require.True(t, strings.HasPrefix(Validate(cfg).Error(), `cannot use listener[1].address = "[::1]:9876" of listener "b": needs port 9876, which belongs to the address of listener "a"`))
}
