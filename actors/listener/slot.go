package listener

import (
	"fmt"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// slot is one broker's ports. They refuse while the broker is away, so that new connections fare as they would
// directly: clients retry elsewhere at once what a refused or broken connection costs them, asynchronous sends included.
type slot struct {
	*messages.Slot
	main transport.Listener
	vip  transport.Listener // nil: none
}

func (s *slot) sockets() []transport.Listener {
	if s.vip == nil {
		return []transport.Listener{s.main}
	}
	return []transport.Listener{s.main, s.vip}
}

// watch starts the prober of a broker.
func (l *listener) watch(ctx actor.Context, id route.BrokerID) *messages.Slot {
	s := &messages.Slot{Broker: id}
	props := l.env.Props(func() actor.Actor {
		return &prober{env: l.env, listener: l.Name, slot: s, target: l.target(id), dialer: l.dialer(messages.BrokerPort), cluster: l.cluster}
	}, nil, nil)
	s.Prober = ctx.SpawnPrefix(props, fmt.Sprintf("prober/%s:%d", id.Name, id.ID)) // no slash in the name
	return s
}

// unwatch ends the prober of a slot that closes for good. The clients that are to leave it look for themselves.
func (l *listener) unwatch(s *slot) {
	l.env.System.Root.Stop(s.Prober)
	s.Away.Store(false)
}

// target is a broker's present address.
func (l *listener) target(id route.BrokerID) func(int) (string, bool) {
	view := l.Cluster.View
	return func(int) (string, bool) { return view.Address(id) }
}

// acceptAll starts the acceptors of a broker's ports.
func (l *listener) acceptAll(ctx actor.Context, s *slot) {
	address := l.target(s.Broker)
	l.accept(ctx, s.main, &messages.Port{Role: messages.BrokerPort, Broker: s.Broker, Slot: s.Slot, Target: address})
	if s.vip != nil {
		l.accept(ctx, s.vip, &messages.Port{Role: messages.VIPPort, Broker: s.Broker, Slot: s.Slot,
			Target: func(int) (string, bool) { return vipAddress(address(0)) }})
	}
}

// heed closes or opens the ports of a broker that has gone or come back.
func (l *listener) heed(m *messages.Slot) {
	if s := l.slots[m.Broker]; s != nil && s.Slot == m {
		l.refuseSlot(s)
	}
}

func (l *listener) refuseSlot(s *slot) {
	for _, ln := range s.sockets() {
		l.refuseOn(ln, l.refusing || s.Away.Load())
	}
}
