package server

import (
	"fmt"
	"path/filepath"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// build translates the configuration into the parts of the tree.
func (s *Server) build() error {
	cfg := s.cfg
	limits := codec.Limits{MaxFrame: int(cfg.Limits.MaxFrame), MaxHeader: int(cfg.Limits.MaxHeader)}
	// Half of a connection's buffer for each direction.
	sockets, stop, err := transport.New(limits, int(cfg.Limits.BufferPerConnection)/2, cfg.Timeouts.Dial)
	if err != nil {
		return fmt.Errorf("cannot set up the transport: %w", err)
	}
	s.stopTransport = stop
	s.env = actors.NewEnv(sockets, s.log, actors.Settings{
		BufferPerConnection: int(cfg.Limits.BufferPerConnection),
		IdleTimeout:         cfg.Timeouts.Idle,
		QueryTimeout:        cfg.Timeouts.NameServer,
		MaxFrame:            limits.MaxFrame,
		MaxHeader:           limits.MaxHeader,
	}, s.giveUp)
	s.tree = &actors.Tree{}
	directories := map[string]*actors.Directory{}
	for _, c := range cfg.Clusters {
		d := actors.NewDirectory(c.Name, c.NameServers, c.Refresh)
		if d.Upstream, err = s.upstream(&c); err != nil {
			return fmt.Errorf("cannot set up cluster %s: %w", c.Name, err)
		}
		directories[c.Name] = d
		s.tree.Directories = append(s.tree.Directories, d)
	}
	var prefixes []string
	for i := range cfg.Listeners {
		l, err := s.listener(&cfg.Listeners[i], directories)
		if err != nil {
			return fmt.Errorf("cannot set up listener %s: %w", cfg.Listeners[i].Name, err)
		}
		s.tree.Listeners = append(s.tree.Listeners, l)
		prefixes = append(prefixes, l.StatPrefix)
	}
	s.tree.Statistics = actors.NewStatistics(prefixes...)
	s.describe()
	return nil
}

func (s *Server) listener(c *config.Listener, directories map[string]*actors.Directory) (*actors.Listener, error) {
	l := &actors.Listener{Name: c.Name, Address: c.Address, StatPrefix: c.StatPrefix, Advertise: c.Advertise,
		RewriteIDs: c.RewriteMessageIDs, Directory: directories[c.Cluster]}
	if l.StatPrefix == "" {
		l.StatPrefix = s.cfg.StatPrefix
	}
	if l.Directory == nil {
		return nil, fmt.Errorf("there is no cluster %q (listener.cluster)", c.Cluster)
	}
	var err error
	if l.Entrance, err = s.entrance(c); err != nil {
		return nil, err
	}
	l.Ports = route.PortOptions{Listen: route.PortRange(c.BrokerPorts), Advertise: route.PortRange(c.AdvertisePorts), VIP: c.VIPChannel,
		Fixed: map[route.BrokerID]int{}}
	for key, port := range c.Ports {
		id, err := route.ParseBrokerID(key)
		if err != nil {
			return nil, err
		}
		l.Ports.Fixed[id] = port
	}
	var saved map[route.BrokerID]int
	if s.cfg.StateDir != "" {
		file := portFile(filepath.Join(s.cfg.StateDir, "ports-"+c.Name+".json"))
		if saved, err = file.load(); err != nil {
			return nil, err
		}
		l.Save = file.save
	}
	l.Table, err = route.NewPortTable(l.Ports, saved)
	return l, err
}
