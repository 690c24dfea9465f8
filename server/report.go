package server

import (
	"cmp"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// reportPatience is how long an admin page waits for connections to report. They are busy for microseconds at a time;
// what has not come by then has ended.
const reportPatience = 2 * time.Second

// collector gathers the reports of all connections.
type collector struct {
	supervisors int // whose Counted is still to come; the top one's comes first
	missing     int
	got         []*messages.ClientReport
	done        chan []*messages.ClientReport
}

// giveUpWaiting ends a collection with what has come.
type giveUpWaiting struct{}

// Receive is part of actor.Actor.
func (c *collector) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *messages.Counted:
		c.supervisors += m.Supervisors - 1
		c.missing += m.N
	case *messages.ClientReport:
		c.missing--
		c.got = append(c.got, m)
	case *giveUpWaiting:
		c.supervisors, c.missing = 0, 0
	default:
		return
	}
	if c.done != nil && c.supervisors == 0 && c.missing <= 0 {
		c.done <- c.got
		c.done = nil
		ctx.Stop(ctx.Self())
	}
}

// report asks every client connection about itself.
func (s *Server) report() []*messages.ClientReport {
	done := make(chan []*messages.ClientReport, 1)
	root := s.env.System.Root
	pid := root.Spawn(actor.PropsFromProducer(func() actor.Actor {
		return &collector{supervisors: 1, done: done}
	}))
	timer := time.AfterFunc(reportPatience, func() { root.Send(pid, &giveUpWaiting{}) })
	defer timer.Stop()
	root.Send(s.top, &messages.Report{To: pid})
	reports := <-done
	slices.SortFunc(reports, func(a, b *messages.ClientReport) int {
		return cmp.Or(cmp.Compare(a.Listener, b.Listener), cmp.Compare(a.Broker, b.Broker), cmp.Compare(a.Remote, b.Remote))
	})
	return reports
}
