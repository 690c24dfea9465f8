package listener

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
)

// LeftOut is how many brokers that are not away have no port, for want of one that can be opened.
func (l *Listener) LeftOut() int { return int(l.live().leftOut.Load()) }

// Offers reports whether clients can be led anywhere: not while there are brokers and none of them got a port.
func (l *Listener) Offers() bool {
	ports := l.live().ports.Load()
	return l.LeftOut() == 0 || ports != nil && len(*ports) > 0
}

// countLeftOut publishes how many brokers have no port. Those that are away do not count: no client could reach them anyway.
func (l *listener) countLeftOut() {
	n := int32(0)
	for ref := range l.leftOut {
		if b := l.broker(ref); b != nil && !b.Away() {
			n++
		}
	}
	l.live().leftOut.Store(n)
}

// refreshed tries what has failed before again.
func (l *listener) refreshed(ctx actor.Context) {
	if len(l.leftOut) > 0 {
		l.openPorts(ctx, again)
	}
	l.lookUpNames(ctx)
}

// leaveOut notes why a broker has no port.
func (l *listener) leaveOut(b *cluster.Broker, why error) {
	if text := why.Error(); l.leftOut[b.Ref()] != text {
		l.leftOut[b.Ref()] = text
		l.env.Log.Error("broker left out of routes", "listener", l.Name, "broker", b.ID.String(), "cluster", b.Cluster, "error", text)
	}
}
