package listener

import (
	"net/netip"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
)

// permits bound a listener's connections.
//
// While all are taken, the listener's ports are paused (messages.PausePorts), so that the kernel refuses connections.
// Letting clients wait to be accepted, or accepting and closing, would only look kinder: a client that is connected sends
// its request and waits out its timeout of 3 s, while a refused one tries the next broker or name server at once
// (VERIFIED.md 6), and a balancer the next proxy. That one address has too many can be seen only after accepting.
type permits struct {
	settings  func() *env.Settings // a limit that a reload brings is for connections after it
	byAddress map[netip.Addr]int
	holders   map[string]netip.Addr // by the ids of connection actors
	full      bool
}

func newPermits(settings func() *env.Settings) permits {
	return permits{settings: settings, byAddress: map[netip.Addr]int{}, holders: map[string]netip.Addr{}}
}

// most is how many there are; 0: no limit.
func (p *permits) most() int { return p.settings().ConnectionsPerListener }

// perAddress is how many of them one address may have; 0: no limit.
func (p *permits) perAddress() int { return p.settings().ConnectionsPerAddress }

// exceeded says which limit a new connection from an address would exceed; "" is none. Those that were accepted while
// the ports were being paused exceed the first one.
func (p *permits) exceeded(taken int, from netip.Addr) string {
	switch {
	case p.most() > 0 && taken >= p.most():
		return stats.OverListener
	case p.perAddress() > 0 && p.byAddress[site(from)] >= p.perAddress():
		return stats.OverAddress
	}
	return ""
}

// take notes that a connection has a permit. holder is its actor's id.
func (p *permits) take(holder string, from netip.Addr) {
	if p.perAddress() > 0 {
		p.holders[holder] = site(from)
		p.byAddress[site(from)]++
	}
}

// give takes a permit back.
func (p *permits) give(holder string) {
	from, ok := p.holders[holder]
	if !ok {
		return
	}
	delete(p.holders, holder)
	if p.byAddress[from]--; p.byAddress[from] == 0 {
		delete(p.byAddress, from)
	}
}

// update notes whether all permits are taken, and reports whether that has changed. They count as taken until a hundredth
// is free, so that a full listener does not pause and resume its ports for each client.
func (p *permits) update(taken int) (changed bool) {
	most := p.most()
	switch {
	case !p.full && most > 0 && taken >= most:
		p.full = true
	case p.full && (most == 0 || taken <= most-max(1, most/100)):
		p.full = false
	default:
		return false
	}
	return true
}

// site is what counts as one address: an IPv4 address or, as every host has one to itself, an IPv6 /64.
func site(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		if prefix, err := a.Prefix(64); err == nil {
			return prefix.Addr()
		}
	}
	return a
}
