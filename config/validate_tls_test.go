package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestValidateTLSSuccess(t *testing.T) {
	f := func(listener ListenerTLS, cluster ClusterTLS, networks ...string) {
		t.Helper()
		cfg := valid(1)
		cfg.Listeners[0].TLS, cfg.Clusters[0].TLS, cfg.Listeners[0].ProxyProtocolFrom = listener, cluster, networks
		cfg.Complete()
		require.NoError(t, Validate(cfg))
	}
	off := ListenerTLS{Mode: "off", MinVersion: "1.2"}
	f(off, ClusterTLS{})
	f(ListenerTLS{Mode: "permissive", Certificate: "a.crt", Key: "a.key", MinVersion: "1.3"}, ClusterTLS{Enabled: true})
	f(ListenerTLS{Mode: "required", Certificate: "a.crt", Key: "a.key", ClientCA: "ca.crt", MinVersion: "1.0"}, ClusterTLS{Enabled: true, InsecureSkipVerify: true})
	f(off, ClusterTLS{Enabled: true, CA: "ca.crt", Certificate: "a.crt", Key: "a.key", ServerName: "broker"})
	f(off, ClusterTLS{}, "10.0.0.0/8", "2001:db8::/32", "127.0.0.1", "::1")
}

func TestValidateTLSFailure(t *testing.T) {
	f := func(change func(l *Listener, c *Cluster), want ...string) {
		t.Helper()
		cfg := valid(1)
		change(&cfg.Listeners[0], &cfg.Clusters[0])
		cfg.Complete()
		err := Validate(cfg)
		require.Error(t, err)
		require.Equal(t, want, strings.Split(err.Error(), "\n"))
	}
	f(func(l *Listener, _ *Cluster) { l.TLS.Mode, l.TLS.MinVersion = "on", "1.4" },
		`cannot use listener[0].tls.mode = "on" of listener "a": must be one of "off", "permissive", "required"; choose one of them`,
		`cannot use listener[0].tls.min_version = "1.4" of listener "a": must be one of "1.0", "1.1", "1.2", "1.3"; choose one of them`,
		`cannot use listener[0].tls.certificate = "" of listener "a": TLS needs a certificate; set certificate and key to PEM files, or write mode = "off"`)
	f(func(l *Listener, _ *Cluster) { l.TLS.Certificate = "a.crt" },
		`cannot use listener[0].tls.certificate = "a.crt" of listener "a": is not used while tls.mode is "off"; write mode = "permissive" or "required", or remove it`)
	f(func(l *Listener, _ *Cluster) { l.TLS.Mode, l.TLS.Certificate = "required", "a.crt" },
		`cannot use listener[0].tls.key = "" of listener "a": a certificate needs its key; set it to the PEM file of the key`)
	f(func(l *Listener, _ *Cluster) {
		l.TLS = ListenerTLS{Mode: "permissive", Certificate: "a.crt", Key: "a.key", ClientCA: "ca.crt", MinVersion: "1.2"}
	},
		`cannot use listener[0].tls.client_ca = "ca.crt" of listener "a": mode = "permissive" also admits clients without TLS, which show no certificate; write mode = "required", or remove client_ca`)
	f(func(l *Listener, _ *Cluster) {
		l.ProxyProtocolFrom = []string{"10.0.0.0/8", "10.0.0/8", "lb.example.com"}
	},
		`cannot use listener[0].proxy_protocol_from[1] = "10.0.0/8" of listener "a": must be a network or an address; write it as "10.0.0.0/8", "2001:db8::/32", or one address`,
		`cannot use listener[0].proxy_protocol_from[2] = "lb.example.com" of listener "a": must be a network or an address; write it as "10.0.0.0/8", "2001:db8::/32", or one address`)
	f(func(_ *Listener, c *Cluster) { c.TLS = ClusterTLS{CA: "ca.crt", InsecureSkipVerify: true} },
		`cannot use cluster[0].tls.ca = "ca.crt" of cluster "main": is not used while tls.enabled is false; write enabled = true, or remove it`,
		`cannot use cluster[0].tls.insecure_skip_verify = true of cluster "main": is not used while tls.enabled is false; write enabled = true, or remove it`)
	f(func(_ *Listener, c *Cluster) {
		c.TLS = ClusterTLS{Enabled: true, CA: "ca.crt", Key: "a.key", InsecureSkipVerify: true}
	},
		`cannot use cluster[0].tls.key = "a.key" of cluster "main": a key needs its certificate; set certificate to its PEM file`,
		`cannot use cluster[0].tls.ca = "ca.crt" of cluster "main": is not used while insecure_skip_verify is true; remove one of them, preferably insecure_skip_verify`)
}

func TestParseNetwork(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		p, err := ParseNetwork(text)
		require.NoError(t, err)
		require.Equal(t, want, p.String())
	}
	f("10.1.2.3/8", "10.0.0.0/8")
	f("127.0.0.1", "127.0.0.1/32")
	f("::1", "::1/128")
	f("::ffff:10.0.0.1", "10.0.0.1/32")
}
