package actors

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// tally adds up what the connections of one executor report and passes the sums on a few times a second: a message to
// another thread for each request would cost more than the request. It runs where its connections run.
type tally struct {
	env    *Env
	stats  *actor.PID
	self   sink
	sums   map[*messages.Port]*messages.Totals
	cancel func() // of the timer; nil: nothing is waiting
}

// tallyInterval is how old a number in /stats may be.
const tallyInterval = 50 * time.Millisecond

// passOn tells a tally that its interval is over.
type passOn struct{}

// Receive is part of actor.Actor.
func (t *tally) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		t.self, t.sums = newSink(t.env.System, ctx.Self()), map[*messages.Port]*messages.Totals{}
	case *messages.Delta:
		t.add(m)
		if t.cancel == nil {
			t.cancel = after(tallyInterval, t.self, &passOn{})
		}
	case *passOn:
		t.cancel = nil
		t.pass(ctx)
	case *messages.Fault:
		panic(m.Reason)
	case *actor.Stopping, *actor.Restarting:
		t.env.cleanUp(func() {
			if t.cancel != nil {
				t.cancel()
			}
			t.pass(ctx)
		})
	}
}

func (t *tally) pass(ctx actor.Context) {
	for _, sum := range t.sums {
		ctx.Send(t.stats, sum)
	}
	clear(t.sums)
}

func (t *tally) add(d *messages.Delta) {
	sum := t.sums[d.Port]
	if sum == nil {
		sum = &messages.Totals{Port: d.Port, Codes: map[int32]*messages.CodeTotals{}}
		t.sums[d.Port] = sum
	}
	for i := range d.Samples {
		addSample(sum, &d.Samples[i])
	}
	sum.FromDown += d.FromDown
	sum.ToDown += d.ToDown
	sum.FromUp += d.FromUp
	sum.ToUp += d.ToUp
	sum.Opened += d.Opened
	sum.Closed += d.Closed
	*d = messages.Delta{Samples: d.Samples[:0]}
	deltas.Put(d)
}

func addSample(sum *messages.Totals, s *messages.Sample) {
	sum.Kinds[s.Kind]++
	switch s.Kind {
	case messages.RequestRead, messages.OnewayRead, messages.RequestWaiting, messages.RequestHanded,
		messages.RequestAnswered, messages.RequestAbandoned:
	default:
		return
	}
	code := sum.Codes[s.Code]
	if code == nil {
		code = &messages.CodeTotals{}
		sum.Codes[s.Code] = code
	}
	switch s.Kind {
	case messages.RequestRead:
		code.Read++
		code.Active++
	case messages.OnewayRead:
		code.Read++
	case messages.RequestWaiting:
		code.Pending++
	case messages.RequestHanded:
		code.Pending--
	case messages.RequestAbandoned:
		code.Active--
		code.Errors++
	case messages.RequestAnswered:
		code.Active--
		answered(sum, code, s)
	}
}

func answered(sum *messages.Totals, code *messages.CodeTotals, s *messages.Sample) {
	if route.Ordinary(s.Code, s.Response) {
		code.Ordinary++
	} else {
		code.Errors++
	}
	if !s.Own {
		sum.UpstreamTimes = append(sum.UpstreamTimes, s.Nanos)
		return
	}
	sum.OwnTimes = append(sum.OwnTimes, s.Nanos)
	if sum.Own == nil {
		sum.Own = map[int32]int{}
	}
	sum.Own[s.Response]++
}
