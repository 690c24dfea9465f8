package config

import (
	"fmt"
	"net/netip"
)

// Values of a listener's tls.mode.
const (
	TLSOff        = "off"
	TLSPermissive = "permissive"
	TLSRequired   = "required"
)

// text is one key of a table with its value.
type text struct{ key, value string }

func (c *checker) listenerTLS(at string, t *ListenerTLS) {
	c.oneOf(join(at, "mode"), t.Mode, TLSOff, TLSPermissive, TLSRequired)
	c.oneOf(join(at, "min_version"), t.MinVersion, "1.0", "1.1", "1.2", "1.3")
	if t.Mode == TLSOff {
		c.idle(at, "mode", `is not used while tls.mode is "off"`, `write mode = "permissive" or "required", or remove it`,
			text{"certificate", t.Certificate}, text{"key", t.Key}, text{"client_ca", t.ClientCA})
		return
	}
	if t.Certificate == "" {
		c.add(join(at, "certificate"), quote(""), "TLS needs a certificate",
			`set certificate and key to PEM files, or write mode = "off"`, join(at, "mode"))
	}
	if t.Mode == TLSPermissive && t.ClientCA != "" {
		c.add(join(at, "client_ca"), quote(t.ClientCA), `mode = "permissive" also admits clients without TLS, which show no certificate`,
			`write mode = "required", or remove client_ca`, join(at, "mode"))
	}
	c.pair(at, t.Certificate, t.Key)
}

func (c *checker) clusterTLS(at string, t *ClusterTLS) {
	if !t.Enabled {
		c.idle(at, "enabled", "is not used while tls.enabled is false", "write enabled = true, or remove it",
			text{"ca", t.CA}, text{"certificate", t.Certificate}, text{"key", t.Key}, text{"server_name", t.ServerName})
		if t.InsecureSkipVerify {
			c.add(join(at, "insecure_skip_verify"), "true", "is not used while tls.enabled is false", "write enabled = true, or remove it", join(at, "enabled"))
		}
		return
	}
	c.pair(at, t.Certificate, t.Key)
	if t.ServerName != "" && !isHost(t.ServerName) {
		c.add(join(at, "server_name"), quote(t.ServerName), "must be a host name or an IP address, without a port", `write it as "mq.example.com"`)
	}
	if t.InsecureSkipVerify {
		c.idle(at, "insecure_skip_verify", "is not used while insecure_skip_verify is true",
			"remove one of them, preferably insecure_skip_verify", text{"ca", t.CA}, text{"server_name", t.ServerName})
	}
}

// idle finds keys without effect because of another one: the person who wrote them expects an effect.
func (c *checker) idle(at, other, fault, remedy string, unused ...text) {
	for _, f := range unused {
		if f.value != "" {
			c.add(join(at, f.key), quote(f.value), fault, remedy, join(at, other))
		}
	}
}

// pair finds half a pair.
func (c *checker) pair(at, certificate, key string) {
	switch {
	case certificate != "" && key == "":
		c.add(join(at, "key"), quote(""), "a certificate needs its key", "set it to the PEM file of the key", join(at, "certificate"))
	case certificate == "" && key != "":
		c.add(join(at, "key"), quote(key), "a key needs its certificate", "set certificate to its PEM file", join(at, "certificate"))
	}
}

func (c *checker) proxyFrom(key string, networks []string) {
	for i, network := range networks {
		p, err := ParseNetwork(network)
		switch {
		case err != nil:
			c.add(index(key, i), quote(network), "must be a network or an address", `write it as "10.0.0.0/8", "2001:db8::/32", or one address`)
		case p.IsSingleIP() && p.Addr().IsUnspecified():
			c.add(index(key, i), quote(network), "is no address that a connection comes from", fmt.Sprintf(`write %q for every address`, network+"/0"))
		}
	}
}

// ParseNetwork reads a network in CIDR notation, or one address.
func ParseNetwork(network string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(network); err == nil {
		return a.Unmap().Prefix(a.Unmap().BitLen())
	}
	p, err := netip.ParsePrefix(network)
	return p.Masked(), err
}
