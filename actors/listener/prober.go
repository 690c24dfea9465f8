package listener

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// prober finds out whether the broker of one slot takes connections, on behalf of all its clients: a broker that is
// away costs one dial now and then, not one for each request.
//
//	at rest ──DialFailed──▶ probing ──connected──▶ at rest; BrokerBack if it was away
//	                        ▲     └──failed──▶ BrokerGone, once; a pause
//	                        └───────────────────────────────┘
//
// It connects as clients' upstreams do, with a PROXY header and TLS where the cluster has them: a broker whose TLS is
// broken is of no more use than one that is away. Only failures to connect count. A broker that does not answer
// requests is there: its clients decide how long they wait.
type prober struct {
	env      *env.Env
	listener string
	slot     *messages.Slot
	target   func(attempt int) (address string, ok bool)
	dialer   transport.Dialer
	cluster  *actor.PID
	self     system.Sink
	sock     transport.Conn // of the probe under way
	failed   int            // probes in a row
	gone     int64          // since when it is away, on the process clock
	doubt    error          // why a client could not connect, while that is looked into
	told     string         // the kind of error that was logged last
	warned   system.Seldom  // of a doubt or another kind of error
	cancel   func()         // of the next probe's timer
}

// probeDue is a prober's own message: the pause is over.
type probeDue struct{}

const (
	firstProbe = 100 * time.Millisecond
	// longestProbe bounds how much later than directly connected clients ours find a broker that is back.
	longestProbe = time.Second
)

// Receive is part of actor.Actor.
func (p *prober) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		p.self = system.NewSink(p.env.System, ctx.Self())
		if p.slot.Away.Load() { // we are restarted
			p.gone = p.env.Now()
			p.probe()
		}
	case *messages.DialFailed:
		p.suspect(ctx, m)
	case *probeDue:
		p.cancel = nil
		p.probe()
	case *transport.Connected:
		if m.Conn == p.sock {
			p.rest()
			p.found(ctx)
		}
	case *transport.Closed:
		if m.Conn == p.sock {
			p.rest()
			p.slot.Failures.Add(1)
			p.missed(ctx, m.Err)
		}
	case *messages.Fault:
		panic(m.Reason)
	case *actor.Stopping, *actor.Restarting:
		p.env.CleanUp(p.rest)
	}
}

// suspect acts on what a client has met. A refusal is certain; anything else, as a dial that took too long, is looked
// into first.
func (p *prober) suspect(ctx actor.Context, m *messages.DialFailed) {
	if p.sock != nil || p.cancel != nil || p.slot.Away.Load() {
		return
	}
	if m.Refused {
		p.missed(ctx, m.Err)
		return
	}
	p.doubt = m.Err
	p.probe()
}

func (p *prober) probe() {
	address, ok := p.target(0)
	if !ok {
		p.later()
		return
	}
	p.slot.Dials.Add(1)
	p.sock = p.dialer.Dial(address, transport.Downstream{}, p.self)
}

// rest ends a probe.
func (p *prober) rest() {
	if p.cancel != nil {
		p.cancel()
		p.cancel = nil
	}
	if p.sock != nil {
		p.sock.Close()
		p.sock = nil
	}
}

func (p *prober) missed(ctx actor.Context, err error) {
	p.later()
	if ours(err) {
		p.env.Log.Warn("cannot look whether a broker is there", "listener", p.listener, "broker", p.slot.Broker.String(), "error", err)
		return
	}
	if p.slot.Away.Swap(true) {
		p.otherwise(err)
		return
	}
	p.gone, p.told = p.env.Now(), kindOf(err)
	address, _ := p.target(0)
	p.env.Log.Warn("a broker takes no connections; its port is closed until it does", "listener", p.listener,
		"broker", p.slot.Broker.String(), "address", address, "error", err)
	p.tell(messages.BrokerUnreachable, address, err.Error())
	ctx.Send(ctx.Parent(), &messages.BrokerGone{Slot: p.slot})
	ctx.Send(p.cluster, &messages.Refresh{})
}

func (p *prober) found(ctx actor.Context) {
	p.failed = 0
	if !p.slot.Away.Swap(false) {
		p.wonder()
		return
	}
	p.doubt = nil
	p.env.Log.Info("a broker is back", "listener", p.listener, "broker", p.slot.Broker.String(),
		"away", time.Duration(p.env.Now()-p.gone).Round(time.Millisecond))
	p.tell(messages.BrokerRecovered, "", "")
	ctx.Send(ctx.Parent(), &messages.BrokerBack{Slot: p.slot})
}

func (p *prober) tell(kind messages.EventKind, address, reason string) {
	e := messages.Event{Kind: kind, Listener: p.listener, Broker: p.slot.Broker.String(), Address: address, Reason: reason}
	e.Publish(p.env.System)
}

// wonder tells why clients cannot connect to a broker that is there, as when each connection takes it long: nothing
// else would.
func (p *prober) wonder() {
	why := p.doubt
	p.doubt = nil
	if why != nil && p.warned.Due(p.env.Now()) {
		p.env.Log.Warn("a client's connection to a broker could not be opened, though the broker takes connections",
			"listener", p.listener, "broker", p.slot.Broker.String(), "error", why)
	}
}

// otherwise tells why a broker is still away when it is not what was logged: one that was restarted with a bad
// certificate first refuses.
func (p *prober) otherwise(err error) {
	if kind := kindOf(err); kind != p.told && p.warned.Due(p.env.Now()) {
		p.told = kind
		p.env.Log.Warn("a broker still takes no connections, for another reason", "listener", p.listener, "broker", p.slot.Broker.String(), "error", err)
	}
}

// later probes again after a pause: the proxies of a fleet have lost the broker together.
func (p *prober) later() {
	p.cancel = system.After(system.Pause(firstProbe, longestProbe, p.failed), p.self, &probeDue{})
	p.failed++
}

// ours reports that a dial failed for want of something on this machine, which says nothing about the broker.
func ours(err error) bool {
	for _, e := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.EADDRNOTAVAIL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// kindOf tells errors apart without what differs each time, as ports and times in their texts.
func kindOf(err error) string {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno.Error()
	}
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return fmt.Sprintf("%T", err)
}
