package system

import (
	"path"

	"github.com/asynkron/protoactor-go/actor"
)

// fault makes the actor that receives it panic or, with child set, that child of it.
type fault struct {
	reason string
	child  *actor.PID
}

// InjectFaults has every actor that is spawned from now on panic when [Runtime.Fault] says so. Tests and chaos call it to
// show what supervision is worth; a proxy in service does not, and its messages go past no middleware.
func (r *Runtime) InjectFaults() {
	r.middleware = append(r.middleware, func(next actor.ReceiverFunc) actor.ReceiverFunc {
		return func(ctx actor.ReceiverContext, m *actor.MessageEnvelope) {
			f, ok := m.Message.(*fault)
			switch {
			case !ok:
				next(ctx, m)
			case f.child != nil:
				r.System.Root.Send(f.child, &fault{reason: f.reason})
			default:
				panic(f.reason)
			}
		}
	})
}

// Fault makes the actor with an id panic, if faults are injected. A request runs only where its connection does (Inline),
// so its fault comes from there.
func (r *Runtime) Fault(id, reason string) {
	pid := r.System.NewLocalPID(id)
	if Kind(id) == "request" {
		r.System.Root.Send(r.System.NewLocalPID(path.Dir(id)), &fault{reason, pid})
		return
	}
	r.System.Root.Send(pid, &fault{reason: reason})
}
