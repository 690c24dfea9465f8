package server

import (
	"fmt"
	"net"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/limit"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// build translates the configuration into the parts of the tree.
func (s *Server) build(cfg *config.Config) (*actors.Tree, error) {
	sockets, stop, err := transport.New(frameLimits(cfg), window(cfg), int(bufferTotal(cfg.Limits)), cfg.Timeouts.Dial, s.ringOptions(cfg)...)
	if err != nil {
		return nil, fmt.Errorf("cannot set up the transport: %w", err)
	}
	s.sockets, s.stopTransport = sockets, stop
	s.logIOUring()
	limits, err := s.limitSet(cfg, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot set up limits: %w", err)
	}
	s.proxy = actors.NewProxy(sockets, s.log, settings(cfg, limits), s.giveUp)
	if s.faults {
		s.proxy.InjectFaults()
	}
	if err := s.startOperations(cfg); err != nil {
		return nil, err
	}
	tree := &actors.Tree{}
	directories := map[string]*actors.Cluster{}
	for i := range cfg.Clusters {
		c := &cfg.Clusters[i]
		d, err := s.newDirectory(c)
		if err != nil {
			return nil, err
		}
		directories[c.Name] = d
		tree.Clusters = append(tree.Clusters, d)
	}
	for i := range cfg.Listeners {
		l, err := s.newListener(cfg, &cfg.Listeners[i], directories)
		if err != nil {
			return nil, err
		}
		tree.Listeners = append(tree.Listeners, l)
	}
	tree.Stats = actors.NewStatistics(prefixes(tree)...)
	s.describe(tree)
	return tree, nil
}

func (s *Server) newDirectory(c *config.Cluster) (*actors.Cluster, error) {
	d := actors.NewCluster(c.Name, c.NameServers, c.Refresh)
	d.Lookup = net.DefaultResolver.LookupNetIP
	var err error
	if d.Upstream, err = s.upstreamHandshake(c); err != nil {
		return nil, fmt.Errorf("cannot set up cluster %s: %w", c.Name, err)
	}
	d.Maintain(c.Maintenance, c.MaintenanceBrokers)
	d.SetParkTimeout(c.ParkTimeout)
	s.operations.apply(d)
	d.ServeStatic(c.Static())
	return d, nil
}

// routeLines are the listener's [[route]] tables.
func routeLines(cfg *config.Config, c *config.Listener) (list []route.Line) {
	routes, _ := cfg.RoutesOf(c)
	for _, r := range routes {
		line, _ := r.Line() // validated
		list = append(list, line)
	}
	return list
}

func frameLimits(cfg *config.Config) codec.Limits {
	return codec.Limits{MaxFrame: int(cfg.Limits.MaxFrame), MaxHeader: int(cfg.Limits.MaxHeader)}
}

// window is half of a connection's buffer for each direction.
func window(cfg *config.Config) int { return int(cfg.Limits.BufferPerConnection) / 2 }

func settings(cfg *config.Config, limits *limit.Set) actors.Settings {
	return actors.Settings{
		Limits:                 limits,
		BufferPerConnection:    int(cfg.Limits.BufferPerConnection),
		ConnectionsPerListener: connectionLimit(cfg, allowedDescriptors()),
		ConnectionsPerAddress:  cfg.Limits.ConnectionsPerAddress,
		RequestsPerConnection:  cfg.Limits.RequestsPerConnection,
		IdleTimeout:            cfg.Timeouts.Idle,
		FirstByteTimeout:       cfg.Timeouts.FirstByte,
		HeaderTimeout:          cfg.Timeouts.Header,
		WriteStallTimeout:      cfg.Timeouts.WriteStall,
		ConnectionAge:          cfg.Timeouts.ConnectionAge,
		OnePortTimeout:         cfg.Timeouts.OnePort,
		GoAway:                 cfg.DrainGoAway,
		QueryTimeout:           cfg.Timeouts.NameServer,
		MaxFrame:               int(cfg.Limits.MaxFrame),
		MaxHeader:              int(cfg.Limits.MaxHeader),
	}
}

func prefixes(tree *actors.Tree) (all []string) {
	for _, l := range tree.Listeners {
		all = append(all, l.StatPrefix)
	}
	return all
}

func (s *Server) newListener(cfg *config.Config, c *config.Listener, directories map[string]*actors.Cluster) (*actors.Listener, error) {
	l, err := s.translateListener(cfg, c, directories)
	if err != nil {
		return nil, fmt.Errorf("cannot set up listener %s: %w", c.Name, err)
	}
	return l, nil
}

func (s *Server) translateListener(cfg *config.Config, c *config.Listener, directories map[string]*actors.Cluster) (*actors.Listener, error) {
	l := &actors.Listener{
		Name: c.Name, Address: c.Address, StatPrefix: c.StatPrefix, Advertise: c.Advertise,
		OnePort: c.Brokers == config.OnePort, Balance: c.Unnamed == config.Balance, PopLife: c.TransientObjectLifeSpan,
		RewriteIDs: c.RewriteMessageIDs, ReusePort: c.ReusePort, Cluster: directories[c.Cluster],
	}
	l.GRPC = actors.GRPC{
		Enabled: c.GRPC.Enabled, Advertise: c.GRPC.Advertise, SelfSigned: c.GRPC.SelfSigned, Lease: c.GRPC.Lease,
		FromStart: c.GRPC.NewGroupStarts == config.StartAtBeginning, DelayLevels: c.GRPC.DelayLevels,
	}
	l.GRPC.Names.Prefix = c.GRPC.NamespacePrefix
	if l.StatPrefix == "" {
		l.StatPrefix = cfg.StatPrefix
	}
	if l.Cluster == nil {
		return nil, fmt.Errorf("there is no cluster %q (listener.cluster)", c.Cluster)
	}
	for _, needed := range cfg.ClustersOf(c) {
		l.Clusters = append(l.Clusters, directories[needed.Name])
	}
	var err error
	l.Lines = routeLines(cfg, c)
	if l.Handshake, err = s.downstreamHandshake(c); err != nil {
		return nil, err
	}
	l.Ports, _ = c.PortOptions() // validated
	if l.OnePort {
		l.AdvertisePort = c.AdvertisePorts.First
	}
	var saved map[route.BrokerID]int
	if cfg.StateDir != "" {
		file := portFileOf(cfg, c)
		if saved, err = file.load(); err != nil {
			return nil, err
		}
		keeper := s.keepers.of(string(file), s.log)
		l.Save = func(ports map[route.BrokerID]int) error {
			return keeper.keep(func() error { return file.save(ports) })()
		}
	}
	if s.handover != nil {
		l.Inherit = s.handover.Listener
		saved = s.handover.Ports(c.Name, saved)
	}
	l.Table, err = route.NewPortTable(l.Ports, saved)
	return l, err
}
