package connection

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// leases are the request actors of one connection.
type leases struct {
	free []*messages.Exchange // of those that wait for work, to be used again
	n    int32                // request actors, those that wait for work included
	peak int32                // how many of them had work at a time since shrink
}

// enoughToKeep requests of a client that was idle make it likely that there will be more.
const enoughToKeep = 2

// take returns the exchange of a request actor that gets work; nil when none waits and there is to be one more.
func (l *leases) take() (x *messages.Exchange) {
	if n := len(l.free); n > 0 {
		x, l.free[n-1] = l.free[n-1], nil
		l.free = l.free[:n-1]
	} else {
		l.n++
	}
	l.peak = max(l.peak, l.busy())
	return x
}

// busy is how many have work.
func (l *leases) busy() int32 { return l.n - int32(len(l.free)) }

// drop forgets a request actor. A nil one is a closed connection's, which has forgotten them all.
func (l *leases) drop() {
	if l != nil {
		l.n--
	}
}

// shrink returns the request actors that were not needed since it was last called, to be stopped: what a burst took
// must not stay for as long as the client says something now and then.
func (fl *inflight) shrink() (surplus []*messages.Exchange) {
	l := fl.leases
	if l == nil {
		return nil
	}
	busy := l.busy()
	needed := int(l.peak - busy)
	l.peak = busy
	if len(l.free) <= needed {
		return nil
	}
	surplus = l.free[needed:]
	l.free = slices.Clone(l.free[:needed])
	l.n -= int32(len(surplus))
	fl.rest()
	return surplus
}

// rest gives up the room for what may be in flight, if nothing is.
func (fl *inflight) rest() {
	if fl.leases != nil && fl.leases.n == 0 {
		fl.leases = nil
	}
	if fl.table.len() == 0 { // tombstones stay in it
		fl.table = nil
	}
}

// keep takes back a request actor for the client's next request, and reports whether it stays. It does not when this
// was the first request for a while: a client that asks now and then should cost little in between.
func (fl *inflight) keep(x *messages.Exchange) bool {
	if fl.begun < enoughToKeep {
		return false
	}
	fl.leases.free = append(fl.leases.free, x)
	return true
}

// dismiss returns the request actors that wait for work, to be stopped: an idle client should cost little.
func (fl *inflight) dismiss() (free []*messages.Exchange) {
	fl.begun = 0
	if l := fl.leases; l != nil {
		free = l.free
		l.n -= int32(len(free))
		l.free, l.peak = nil, 0
	}
	fl.rest()
	return free
}

// lease takes a request actor with an exchange to work on.
func (c *connection) lease() *messages.Exchange {
	if c.flight.leases == nil {
		c.flight.leases = &leases{}
	}
	x := c.flight.leases.take()
	if x == nil {
		x = messages.NewExchange()
		x.Actor = c.ctx.SpawnPrefix(c.requests, "request")
		x.Process, _ = c.env.System.ProcessRegistry.Get(x.Actor)
	}
	return x
}

// giveBack ends the lease of a request's actor, which works on x next.
func (c *connection) giveBack(x *messages.Exchange) {
	if !c.flight.keep(x) {
		c.flight.leases.drop()
		c.ctx.Stop(x.Actor)
	}
}
