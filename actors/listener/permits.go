package listener

import (
	"net/netip"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
)

// permits are a listener's places for connections.
//
// While all are taken, the listener's ports refuse (messages.PausePorts). Letting clients wait to be accepted, or accepting
// and closing, would be kinder only to look at: a client that is connected sends its request and waits out its time-out
// of 3 s, while a refused one tries the next broker or name server at once (VERIFIED.md 6), and a balancer the next
// proxy. Who comes from one address too often can only be told by accepting.
type permits struct {
	settings  func() *env.Settings // a limit that a reload brings counts who comes after it
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
// the ports were being closed exceed the first one.
func (p *permits) exceeded(taken int, from netip.Addr) string {
	switch {
	case p.most() > 0 && taken >= p.most():
		return stats.OverListener
	case p.perAddress() > 0 && p.byAddress[site(from)] >= p.perAddress():
		return stats.OverAddress
	}
	return ""
}

// take notes who has a permit.
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

// update reports whether the ports must be closed or opened now. They open when a hundredth is free, so that a full
// listener does not open and close them for each client.
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
