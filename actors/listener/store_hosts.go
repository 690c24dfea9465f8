package listener

import (
	"context"
	"encoding/binary"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// storeHosts maps the addresses that brokers have themselves to those that clients are told. It never changes: all
// connections of a listener read the one that was published last.
type storeHosts struct {
	ports advertisedPorts
	host  netip.Addr // advertised; invalid: the address that the client reached us on

	last   atomic.Pointer[hostLookup] // that was asked for: most clients reach us on one address
	mu     sync.Mutex
	byHost map[netip.Addr]*hostLookup
}

// hostLookup is what clients are told that are told one host.
type hostLookup struct {
	host   netip.Addr
	lookup messages.StoreHostLookup
}

// maxStoreHostLookups bounds how many lookups are kept: a machine has few addresses, but a whole network may be routed
// to it.
const maxStoreHostLookups = 64

// StoreHosts is what clients that reached the listener on local are told in the place of brokers' store hosts; nil:
// these are not rewritten.
func (l *Listener) StoreHosts(local netip.AddrPort) messages.StoreHostLookup {
	s := l.live().hosts.Load()
	if s == nil {
		return nil
	}
	host := s.host
	if !host.IsValid() {
		host = local.Addr().Unmap()
	}
	of := s.last.Load()
	if of == nil || of.host != host {
		of = s.of(host)
		s.last.Store(of)
	}
	return of.lookup
}

func (s *storeHosts) of(host netip.Addr) *hostLookup {
	s.mu.Lock()
	defer s.mu.Unlock()
	if of := s.byHost[host]; of != nil {
		return of
	}
	of := &hostLookup{host, func(own netip.AddrPort) (netip.AddrPort, bool) {
		port, ok := s.ports.of(own)
		return netip.AddrPortFrom(host, port), ok
	}}
	if len(s.byHost) < maxStoreHostLookups {
		s.byHost[host] = of
	}
	return of
}

// advertisedPorts are the ports that clients are told, by the broker's own address; never that of a VIP port. Nearly all
// addresses are of IPv4, and a map of numbers answers several times faster than one of addresses. An IPv4 address comes
// as one, not as IPv6.
type advertisedPorts struct {
	v4 map[uint64]uint16 // by address and port
	v6 map[netip.AddrPort]uint16
}

func newAdvertisedPorts(ports map[netip.AddrPort]uint16) advertisedPorts {
	a := advertisedPorts{map[uint64]uint16{}, map[netip.AddrPort]uint16{}}
	for own, port := range ports {
		if own.Addr().Is4() {
			a.v4[numberOf(own)] = port
		} else {
			a.v6[own] = port
		}
	}
	return a
}

func (a *advertisedPorts) of(own netip.AddrPort) (port uint16, ok bool) {
	if own.Addr().Is4() {
		port, ok = a.v4[numberOf(own)]
	} else {
		port, ok = a.v6[own]
	}
	return port, ok
}

// numberOf is an IPv4 address with its port.
func numberOf(own netip.AddrPort) uint64 {
	ip := own.Addr().As4()
	return uint64(binary.BigEndian.Uint32(ip[:]))<<16 | uint64(own.Port())
}

// publishStoreHosts makes a new table of all brokers that have a port. There is none when store hosts are not
// rewritten, or cannot be: they have no room for a name.
func (l *listener) publishStoreHosts() {
	if !l.RewriteIDs {
		l.live().hosts.Store(nil)
		return
	}
	ports := map[netip.AddrPort]uint16{}
	for id, p := range l.brokers {
		if told, ok := l.PortOf(id); ok {
			for _, own := range l.names.addresses(p.broker.Address()) {
				ports[own] = uint16(told.advertise)
			}
		}
	}
	l.live().hosts.Store(newStoreHosts(l.Advertise, ports))
}

// newStoreHosts makes a table for what listener.advertise says; nil: that is a name.
func newStoreHosts(advertise string, ports map[netip.AddrPort]uint16) *storeHosts {
	s := &storeHosts{ports: newAdvertisedPorts(ports), byHost: map[netip.Addr]*hostLookup{}}
	if advertise == "" {
		return s
	}
	host, err := netip.ParseAddr(advertise)
	if err != nil {
		return nil
	}
	s.host = host.Unmap()
	return s
}

// names are the addresses of brokers that are registered under a host name: their store hosts hold what that name
// means. The zero value knows none.
type names struct {
	known  map[string][]netip.AddrPort // by host:port
	asking bool
}

// named brings what host names of brokers mean.
type named struct{ known map[string][]netip.AddrPort }

const (
	maxNames      = 256 // of brokers; others keep their store hosts
	lookUpTimeout = 2 * time.Second
)

// addresses are what a broker's address stands for.
func (n *names) addresses(address string) []netip.AddrPort {
	if own, err := netip.ParseAddrPort(address); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(own.Addr().Unmap(), own.Port())}
	}
	return n.known[address]
}

// lookUpNames asks what the host names of brokers mean now, if any has one: one round at a time.
func (l *listener) lookUpNames(ctx actor.Context) {
	var list []string
	for _, p := range l.brokers {
		address := p.broker.Address()
		if _, err := netip.ParseAddrPort(address); err != nil && len(list) < maxNames {
			list = append(list, address)
		}
	}
	lookup := l.Cluster.Lookup
	if len(list) == 0 || l.names.asking || !l.RewriteIDs || lookup == nil {
		return
	}
	l.names.asking = true
	self := system.NewSink(l.env.System, ctx.Self())
	go func() { self.Deliver(&named{lookUp(list, lookup)}) }()
}

// lookUp resolves addresses one after another. What cannot be resolved is left out.
func lookUp(addresses []string, lookup cluster.Lookup) map[string][]netip.AddrPort {
	known := map[string][]netip.AddrPort{}
	for _, address := range addresses {
		host, port, err := route.SplitAddress(address)
		if err != nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), lookUpTimeout)
		ips, err := lookup(ctx, "ip", host)
		cancel()
		if err != nil {
			continue
		}
		for _, ip := range ips {
			known[address] = append(known[address], netip.AddrPortFrom(ip.Unmap(), port))
		}
	}
	return known
}

// nameKnown takes what the names mean. One that could not be looked up keeps what it meant before.
func (l *listener) nameKnown(m *named) {
	l.names.asking = false
	next, changed := map[string][]netip.AddrPort{}, false
	for _, p := range l.brokers {
		address := p.broker.Address()
		before, now := l.names.known[address], m.known[address]
		if now == nil {
			now = before
		}
		if now != nil {
			next[address] = now
		}
		changed = changed || !slices.Equal(before, now)
	}
	l.names.known = next
	if changed {
		l.publishStoreHosts()
	}
}
