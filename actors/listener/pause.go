package listener

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// brokerTurned pauses or opens the ports of a broker that was lost, is back or has moved, and then tells the connections.
func (l *listener) brokerTurned(ctx actor.Context, ref messages.BrokerRef, m any) {
	if !l.has(ref.Cluster) {
		return
	}
	if p := l.brokers[ref.Broker]; p != nil && p.broker.Cluster == ref.Cluster {
		l.pauseBroker(p)
		l.publish() // it may have moved
	}
	l.countLeftOut()
	l.tellConnections(ctx, m)
}

func (l *listener) pauseBroker(p *brokerPorts) {
	for _, ln := range p.sockets() {
		l.pause(ln, l.full || p.broker.Away())
	}
}

func (l *listener) pause(ln transport.Listener, on bool) {
	if err := ln.SetPaused(on); err != nil {
		l.env.Log.Error("cannot pause or resume port", "listener", l.Name, "address", ln.Addr().String(), "pause", on, "error", err)
	}
}

// pauseAll pauses all ports, so that connections are refused, or resumes them.
func (l *listener) pauseAll(on bool) {
	l.full = on
	l.env.Rejections.Full(l.Name, on)
	if l.nameServer != nil {
		l.pause(l.nameServer, on)
	}
	if l.vip != nil {
		l.pause(l.vip, on)
	}
	for _, p := range l.brokers {
		l.pauseBroker(p)
	}
}
