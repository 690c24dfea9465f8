package connection

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// request is one pending request: which one it is, and what its client is told if things go wrong. It is a child of
// its connection, leased for one request after another, because spawning one costs ten times what a lease costs.
//
//	Begin → (Answered | Reply) → settled, and the connection leases it out again
//
// When it panics, the old instance still has its request: it settles it with an error on the way out.
type request struct {
	env *env.Env
	x   *messages.Exchange
}

// requestProps is the recipe of request actors.
func requestProps(e *env.Env) *actor.Props {
	return e.Props(func() actor.Actor { return &request{env: e} }, system.Inline, nil)
}

// Receive is part of actor.Actor.
func (r *request) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Begin:
		r.x = m.X
	case *messages.Answered:
		if r.x == m.X {
			m.X.ResponseCode = m.Code
			r.settle(ctx)
		}
	case *messages.Reply:
		if r.x == m.X {
			r.answer(m.Code, m.Remark, m.Ext, m.Body)
			r.settle(ctx)
		}
	case *actor.Restarting:
		if r.x != nil {
			r.env.CleanUp(func() {
				r.answer(codec.ResSystemError, "rocketmq-proxy: the actor of this request failed; the broker may have carried the request out", nil, nil)
				r.settle(ctx)
			})
		}
	}
}

// answer makes the frame that the client gets from us, in the encoding of its request.
func (r *request) answer(code int32, remark string, ext map[string]string, body []byte) {
	c := r.x.Header.Answer(code, remark)
	c.Ext, c.Body = ext, body
	if version := r.x.Reply.Version; version != 0 {
		c.Version = version
	}
	r.x.ResponseCode = code
	r.x.Answer = c.Append(make([]byte, 0, 192+len(remark)+len(body)), r.x.Header.Encoding)
}

// settle ends the work on a request. Its connection mostly waits for just that, and needs no message then.
func (r *request) settle(ctx actor.Context) {
	x := r.x
	r.x = nil
	if !x.Completion.Complete() {
		ctx.Send(ctx.Parent(), &x.Settled)
	}
}
