package server

import (
	"fmt"
	"net/netip"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// downstreamHandshake translates what a listener asks of its clients before their first frame.
func (s *Server) downstreamHandshake(c *config.Listener) (transport.DownstreamHandshake, error) {
	e := transport.DownstreamHandshake{
		AllowPlain: c.TLS.Mode == config.TLSPermissive, Timeout: s.config().Timeouts.Handshake, Rejected: s.proxy.Rejected(c.Name),
		MaxInProgress: func() int { return connectionLimit(s.config(), allowedDescriptors()) },
	}
	var err error
	if e.ProxyFrom, err = networks("listener.proxy_protocol_from", c.ProxyProtocolFrom); err != nil {
		return e, err
	}
	if c.TLS.Mode == config.TLSOff {
		return e, nil
	}
	kept, err := s.certificates.keep("listener", c.Name, s.log, &listenerFiles{&c.TLS})
	if err != nil {
		return e, err
	}
	e.TLS = kept.current.Load
	e.HTTP2 = func() bool { return c.GRPC.Enabled }
	return e, nil
}

// upstreamHandshake translates how connections to a cluster begin.
func (s *Server) upstreamHandshake(c *config.Cluster) (transport.UpstreamHandshake, error) {
	u := transport.UpstreamHandshake{SendProxy: c.SendProxyProtocol, HandshakeTimeout: s.config().Timeouts.Handshake}
	if !c.TLS.Enabled {
		return u, nil
	}
	if c.TLS.InsecureSkipVerify {
		s.log.Warn("INSECURE: certificates of brokers are not verified", "remedy", "set cluster.tls.ca and remove insecure_skip_verify", "cluster", c.Name)
	}
	kept, err := s.certificates.keep("cluster", c.Name, s.log, &clusterFiles{&c.TLS})
	if err != nil {
		return u, err
	}
	u.TLS = kept.current.Load
	return u, nil
}

// networks are those of a key.
func networks(key string, list []string) (all []netip.Prefix, err error) {
	for _, network := range list {
		p, err := config.ParseNetwork(network)
		if err != nil {
			return nil, fmt.Errorf("cannot use %s %q: %w", key, network, err)
		}
		all = append(all, p)
	}
	return all, nil
}
