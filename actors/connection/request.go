package connection

import (
	"slices"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// request is one pending request: which one it is, and what its client is told if things go wrong. It is a child of
// its connection, leased for one request after another, because spawning one costs ten times what a lease costs.
//
//	Begin → (Answered | Reply) → settled, and the connection leases it out again
//
// It keeps the exchange of a request that the upstream has answered, in which the next one finds it at work (Progress):
// then Answered is the only message that a request costs. When it panics, the old instance still has its request: it
// settles it with an error on the way out.
type request struct {
	env     *env.Env
	x       *messages.Exchange // nil: none
	answers []route.Answer     // of the brokers that a fan-out went to
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
	case *messages.FanOut:
		if r.x == m.X {
			r.join(ctx, m, r.env.Now())
		}
	case *messages.PartAnswered:
		if r.x == m.FanOut.X {
			r.answers = append(r.answers, m.Answer)
			r.join(ctx, m.FanOut, r.env.Now())
		}
	case *messages.PartsOverdue:
		if r.x == m.FanOut.X {
			r.join(ctx, m.FanOut, m.Now)
		}
	case *messages.Reply:
		if r.x == m.X {
			r.answer(m.Code, m.Remark, m.Ext, m.Body)
			r.settle(ctx)
		}
	case *actor.Restarting:
		if r.x != nil && !r.x.Progress.Forget() {
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
	r.send(c)
}

func (r *request) send(c *codec.Command) {
	r.x.ResponseCode = c.Code
	r.x.Answer = c.Append(make([]byte, 0, 192+len(c.Remark)+len(c.Body)), r.x.Header.Encoding)
}

// join makes the client's answer of those of the brokers, once that is possible.
func (r *request) join(ctx actor.Context, f *messages.FanOut, now int64) {
	if !f.Join.Decided(r.answers, len(f.Targets)) {
		if !r.over(f, now) {
			return
		}
		r.missing(f)
	}
	a := f.Join.Answers(r.answers, f.Version)
	c := r.x.Header.Answer(a.Code, a.Remark)
	c.Version, c.Ext, c.Body = a.Version, a.Ext, a.Body
	r.send(c)
	r.settle(ctx)
}

// over reports that the brokers that have not answered are not waited for any longer.
func (r *request) over(f *messages.FanOut, now int64) bool {
	if f.Soon > 0 && now >= f.Soon && slices.ContainsFunc(r.answers, func(a route.Answer) bool { return a.Code == codec.ResSuccess }) {
		return true
	}
	return f.Late > 0 && now >= f.Late
}

// missing counts the brokers that have not answered as silent.
func (r *request) missing(f *messages.FanOut) {
	for _, b := range f.Targets {
		if !slices.ContainsFunc(r.answers, func(a route.Answer) bool { return a.Broker == b }) {
			r.answers = append(r.answers, route.Unanswered(b))
		}
	}
}

// settle ends the work on a request. Its connection mostly waits for just that, and needs no message then.
func (r *request) settle(ctx actor.Context) {
	x := r.x
	if r.answers = nil; x.Answer != nil {
		r.x = nil // the client is given what is in it, and the next request has another one
	}
	if !x.Progress.Complete() {
		r.x = nil
		ctx.Send(ctx.Parent(), &x.Settled)
	}
}
