package server

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// entrance translates what a listener asks of its clients before their first frame.
func (s *Server) entrance(c *config.Listener) (transport.Entrance, error) {
	e := transport.Entrance{AllowPlain: c.TLS.Mode == config.TLSPermissive, Timeout: s.config().Timeouts.Handshake, Refused: s.env.Refused(c.Name),
		Most: func() int { return s.config().Limits.ConnectionsPerListener }}
	for _, network := range c.ProxyProtocolFrom {
		p, err := config.ParseNetwork(network)
		if err != nil {
			return e, fmt.Errorf("cannot use listener.proxy_protocol_from %q: %w", network, err)
		}
		e.ProxyFrom = append(e.ProxyFrom, p)
	}
	if c.TLS.Mode == config.TLSOff {
		return e, nil
	}
	kept, err := s.certificates.keep("listener", c.Name, s.log, &listenerFiles{&c.TLS})
	if err != nil {
		return e, err
	}
	e.TLS = kept.current.Load
	return e, nil
}

// upstream translates how connections to a cluster begin.
func (s *Server) upstream(c *config.Cluster) (transport.Upstream, error) {
	u := transport.Upstream{SendProxy: c.SendProxyProtocol, HandshakeTimeout: s.config().Timeouts.Handshake}
	if !c.TLS.Enabled {
		return u, nil
	}
	if c.TLS.InsecureSkipVerify {
		s.log.Warn("INSECURE: certificates of brokers and name servers are NOT checked; whoever stands in between can read and change everything. "+
			"Set cluster.tls.ca and remove insecure_skip_verify", "cluster", c.Name)
	}
	kept, err := s.certificates.keep("cluster", c.Name, s.log, &clusterFiles{&c.TLS})
	if err != nil {
		return u, err
	}
	u.TLS = kept.current.Load
	return u, nil
}
