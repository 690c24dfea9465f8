package listener

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// acceptor takes connections off one open socket, which belongs to its listener.
type acceptor struct {
	env         *env.Env
	ln          transport.Listener
	port        *atomic.Pointer[messages.Port] // what connections from now on have in common
	connections *actor.PID
	warned      system.Sampler // of a failure
}

// Receive is part of actor.Actor.
func (a *acceptor) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		a.ln.Accept(system.NewSink(a.env.System, ctx.Self()))
	case *transport.Accepted:
		ctx.Send(a.connections, &messages.Accepted{Port: a.port.Load(), Conn: m.Conn})
	case *transport.AcceptEnded:
		ctx.Stop(ctx.Self())
	case *transport.AcceptFailed:
		a.env.Rejections.AcceptFailed(a.port.Load().Listener)
		facts := []any{"listener", a.port.Load().Listener, "address", a.ln.Addr().String(), "error", m.Err}
		if line, ok := a.warned.Allow(a.env.Now(), facts...); ok {
			a.env.Log.Error("cannot accept connections, trying again", line...)
		}
	}
}
