package upstream

import (
	"math/rand/v2"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

const (
	// The first redial comes at once; then the pause doubles up to the longest, with a jitter, as a restarting broker
	// meets the redials of all its clients.
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
	// backSpread is the time over which clients' connections to a broker that is back are opened.
	backSpread = 500 * time.Millisecond
)

// begin dials for a client that has to be registered, as soon as it may.
func (u *upstream) begin() {
	if u.away() || u.to.Pause().On() {
		return // BrokerBack comes, also at the end of a pause
	}
	if wait := time.Duration(u.retryAt - u.env.Now()); wait > 0 {
		u.cancel = system.After(wait, u.self, &redial{u.epoch})
		return
	}
	u.dial()
}

func (u *upstream) dial() {
	u.stopTimer()
	address, ok := u.to.Target(int(u.attempt))
	if !ok {
		u.lose("its address is not known", messages.Lost{})
		return
	}
	u.address = address
	u.state = dialing
	u.to.Dialed()
	u.sock = u.to.Dialer().Dial(address, transport.DownstreamOf(u.client), &u.self)
}

// away reports that the broker is known to take no connections.
func (u *upstream) away() bool { return u.to != nil && u.to.Away() }

// back dials for a client that is to be registered again; others wait for their next request. Not all at once: a
// broker that has just started meets all its clients.
func (u *upstream) back() {
	u.attempt, u.retryAt = 0, 0
	if u.state == idle && u.replay != nil {
		u.stopTimer()
		u.cancel = system.After(rand.N(backSpread), u.self, &redial{u.epoch})
	}
}

// moved goes on where the broker is now: at once if nothing is open, else the connection says when.
func (u *upstream) moved() {
	u.back()
	u.checkAddress()
}

// checkAddress tells the connection when the socket's address is not one to stay with.
func (u *upstream) checkAddress() {
	if u.state == open && !u.to.Serves(u.address, u.sock.Remote()) {
		u.up.Deliver(&messages.Outdated{Epoch: u.epoch})
	}
}
