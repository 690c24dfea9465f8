package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/limit"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// plan is a reload that can no longer fail: files are read and sockets are open.
type plan struct {
	cfg      *config.Config
	policy   *admin.Policy
	push     *pusher // nil: the present one goes on
	revision *actors.Revision
	limits   *limit.Set
}

// prepare does everything that can fail. It reports all problems that it finds, and has changed nothing then.
func (s *Server) prepare(next *config.Config) (*plan, error) {
	p := &plan{cfg: next}
	var errs []error
	var err error
	if p.policy, err = admin.NewPolicy(next.Admin, s.admin.Loopback()); err != nil {
		errs = append(errs, err)
	}
	if p.revision, err = s.revise(next); err != nil {
		errs = append(errs, err)
	}
	if p.limits, err = s.limitSet(next, s.proxy.Settings().Limits); err != nil {
		errs = append(errs, err)
	}
	if !reflect.DeepEqual(next.Metrics, s.config().Metrics) && len(errs) == 0 { // it begins to push, so it comes last
		if p.push, err = startPush(next.Metrics, s.log, s.writeMetrics); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		return p, nil
	}
	s.abandon(p)
	return nil, &unprepared{errors.Join(errs...)}
}

// abandon gives back what a plan that does not come into effect has opened.
func (s *Server) abandon(p *plan) {
	if p.revision != nil {
		for _, ln := range p.revision.Sockets {
			ln.Close()
		}
	}
	if p.push != nil {
		p.push.abandon()
	}
	s.certificates.discard()
}

// unprepared keeps the text of its problems and is an admin.ErrNotPrepared.
type unprepared struct{ error }

func (u *unprepared) Is(target error) bool { return target == admin.ErrNotPrepared }

// apply goes over to a plan, unless a drain has begun meanwhile. saved waits until what is in maintenance is kept: after
// the lock, so that a drain does not wait for state_dir.
func (s *Server) apply(p *plan) (saved func() error, err error) {
	s.applying.Lock()
	defer s.applying.Unlock()
	if s.isDraining() {
		s.abandon(p)
		return nil, errDraining
	}
	if s.level != nil {
		s.level.UnmarshalText([]byte(p.cfg.Log.Level)) // validated
	}
	s.cfg.Store(p.cfg)
	s.certificates.commit(p.cfg)
	s.admin.Use(p.policy, s.log)
	before := s.proxy.Settings().Limits
	s.proxy.Adjust(settings(p.cfg, p.limits))
	before.Succeeded(p.limits)
	s.sockets.Tune(frameLimits(p.cfg), window(p.cfg), p.cfg.Timeouts.Dial)
	saved = s.operations.configure(p.cfg.Maintenance)
	for _, d := range p.revision.Next.Clusters {
		for i := range p.cfg.Clusters {
			if c := &p.cfg.Clusters[i]; c.Name == d.Name {
				d.Maintain(c.Maintenance, c.MaintenanceBrokers)
				d.SetParkTimeout(c.ParkTimeout)
				s.operations.apply(d)
			}
		}
	}
	if p.push != nil {
		old := s.push
		s.push = p.push
		go old.close() // it pushes once more, which may take a while
	}
	defer s.proxy.Reloaded()
	if !p.changesTree(s.proxy.Tree()) {
		return saved, nil
	}
	s.statistics().Expect(prefixes(p.revision.Next)...)
	s.describeClusters(p.revision.Next)
	return saved, s.proxy.Revise(p.revision)
}

func (p *plan) changesTree(now *actors.Tree) bool {
	next := p.revision.Next
	return len(p.revision.Sources) > 0 || !slices.Equal(now.Clusters, next.Clusters) || !slices.Equal(now.Listeners, next.Listeners)
}

// describeClusters keeps the gauges of clusters in step. They change a moment before the tree does.
func (s *Server) describeClusters(next *actors.Tree) {
	set, now := s.statistics().Set, s.proxy.Tree()
	for _, d := range now.Clusters {
		if !slices.Contains(next.Clusters, d) {
			forgetCluster(set, d)
		}
	}
	for _, d := range next.Clusters {
		if !slices.Contains(now.Clusters, d) {
			describeCluster(set, d)
		}
	}
}

// revise makes the next tree. What has not changed is the same object in it.
func (s *Server) revise(next *config.Config) (*actors.Revision, error) {
	now := s.proxy.Tree()
	r := &actors.Revision{
		Next: &actors.Tree{Stats: now.Stats}, Sources: map[*actors.Cluster]*messages.Source{},
		Sockets: map[*actors.Listener]transport.Listener{}, DrainTimeout: next.DrainTimeout,
	}
	directories := map[string]*actors.Cluster{}
	var errs []error
	for i := range next.Clusters {
		c := &next.Clusters[i]
		d, err := s.reviseCluster(r, now, c)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		directories[c.Name] = d
		r.Next.Clusters = append(r.Next.Clusters, d)
	}
	if len(errs) > 0 { // listeners would only complain that their clusters are missing
		return nil, errors.Join(errs...)
	}
	for i := range next.Listeners {
		l, err := s.reviseListener(r, now, next, &next.Listeners[i], directories)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		r.Next.Listeners = append(r.Next.Listeners, l)
	}
	return r, errors.Join(errs...)
}

func (s *Server) reviseCluster(r *actors.Revision, now *actors.Tree, c *config.Cluster) (*actors.Cluster, error) {
	i := slices.IndexFunc(now.Clusters, func(d *actors.Cluster) bool { return d.Name == c.Name })
	if i < 0 {
		d, err := s.newDirectory(c)
		if err != nil {
			return nil, err
		}
		d.Late = true
		return d, nil
	}
	j := slices.IndexFunc(s.config().Clusters, func(old config.Cluster) bool { return old.Name == c.Name })
	old := &s.config().Clusters[j]
	if !slices.Equal(old.NameServers, c.NameServers) || !reflect.DeepEqual(old.Brokers, c.Brokers) || old.Refresh != c.Refresh {
		r.Sources[now.Clusters[i]] = &messages.Source{NameServers: c.NameServers, Static: c.Static(), Refresh: c.Refresh}
	}
	return now.Clusters[i], nil
}

func (s *Server) reviseListener(r *actors.Revision, now *actors.Tree, next *config.Config, c *config.Listener, directories map[string]*actors.Cluster) (*actors.Listener, error) {
	moves := true
	i := slices.IndexFunc(now.Listeners, func(l *actors.Listener) bool { return l.Name == c.Name })
	if i >= 0 {
		old := now.Listeners[i]
		j := slices.IndexFunc(s.config().Listeners, func(o config.Listener) bool { return o.Name == c.Name })
		if reflect.DeepEqual(&s.config().Listeners[j], c) && s.sameRoutes(next, c) && old.Cluster == directories[c.Cluster] {
			return old, nil
		}
		moves = old.Address != c.Address
	}
	l, err := s.newListener(next, c, directories)
	if err != nil {
		return nil, err
	}
	l.Late = true
	if moves {
		ln, err := s.proxy.Listen(l, c.Address)
		switch {
		case err == nil:
			r.Sockets[l] = ln
		case !s.holds(now, c.Address):
			return nil, fmt.Errorf("cannot open listener %q on %s: %w; choose another listener.address", c.Name, c.Address, err)
		}
	}
	return l, nil
}

// sameRoutes reports that a listener's routes are what they were. The clusters that they name are then the same, too.
func (s *Server) sameRoutes(next *config.Config, c *config.Listener) bool {
	before, _ := s.config().RoutesOf(c)
	now, _ := next.RoutesOf(c)
	return reflect.DeepEqual(before, now)
}

// holds reports that a listener of this proxy has an address. That two listeners may not want the same one has been
// validated, so it is one that moves or goes. What another process has on another host does not become free by that.
func (s *Server) holds(now *actors.Tree, address string) bool {
	wanted, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return false
	}
	for _, l := range now.Listeners {
		if l.Holds(wanted.Port) && overlap(wanted.AddrPort().Addr(), l.Addr().Addr()) {
			return true
		}
	}
	return false
}

// overlap reports that a socket on one host is in the way of one on the other: they are the same, or one is every host.
func overlap(a, b netip.Addr) bool {
	a, b = a.Unmap(), b.Unmap()
	return a == b || !a.IsValid() || a.IsUnspecified() || b.IsUnspecified()
}
