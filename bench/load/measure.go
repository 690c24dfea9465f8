//go:build linux

package load

import (
	"errors"
	"os"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
)

// window reads what is measured at its begin and at its end.
type window struct {
	n         *session
	cpu       time.Duration
	switches  int
	neighbors *process.Neighbors
	begin     int64
}

func (n *session) openWindow() (w *window, err error) {
	w = &window{n: n}
	s := n.spec
	if w.neighbors, err = process.WatchNeighbors(slices.Concat(s.Own, s.Candidate, process.Group{os.Getpid()})); err != nil {
		return nil, err
	}
	if w.switches, err = s.Candidate.Switches(); err != nil {
		return nil, err
	}
	if w.cpu, err = s.Candidate.CPU(); err != nil {
		return nil, err
	}
	w.begin = wire.Clock()
	return w, nil
}

// close adds what was spent to the outcome.
func (w *window) close() error {
	seconds := time.Duration(wire.Clock() - w.begin).Seconds()
	cpu, err := w.n.spec.Candidate.CPU()
	if err != nil {
		return err
	}
	switches, err := w.n.spec.Candidate.Switches()
	if err != nil {
		return err
	}
	share, err := w.neighbors.Share()
	o := &w.n.outcome
	o.Seconds += seconds
	o.CPU += cpu - w.cpu
	o.Switches += max(0, switches-w.switches) // a thread that has ended took its count along
	w.n.others += share * seconds
	return err
}

// slice loads the candidate, unobserved and then observed, and lets it rest.
func (g *generator) slice(n *session) error {
	if err := g.start(n.spec); err != nil {
		return err
	}
	if err := g.loop.RunUntil(wire.Clock()+int64(n.spec.Warmup), nil); err != nil {
		return err
	}
	w, err := n.openWindow()
	if err != nil {
		return err
	}
	before := g.done
	g.measuring = true
	if err := g.untilAnswered(w.begin, n.spec.Measure); err != nil {
		return err
	}
	g.measuring = false
	n.outcome.Requests += g.done - before
	if err := w.close(); err != nil {
		return err
	}
	return g.rest()
}

// untilAnswered runs for as long as it is to be measured, and longer if nothing has been answered by then.
func (g *generator) untilAnswered(begin int64, measure time.Duration) error {
	if err := g.loop.RunUntil(begin+int64(measure), nil); err != nil {
		return err
	}
	if g.done > 0 {
		return nil
	}
	return g.loop.RunUntil(begin+20*int64(measure), func() bool { return g.done > 0 })
}

// patience is how long a candidate may take for what is in flight.
const patience = time.Minute

// rest stops sending and waits for what is in flight. Pulls that wait for a send stay.
func (g *generator) rest() error {
	g.stopping = true
	defer func() { g.stopping = false }()
	g.ticker.stop()
	quiet := func() bool { return g.inFlight <= g.pollers }
	if err := g.loop.RunUntil(wire.Clock()+int64(patience), quiet); err != nil {
		return err
	}
	if !quiet() {
		return errors.New("not everything was answered within a minute")
	}
	return nil
}

// countSyscalls is a slice with system calls counted. Where they cannot be counted, the outcome has none.
func (g *generator) countSyscalls(n *session) error {
	counter, err := process.CountSyscalls(n.spec.Candidate)
	if err != nil {
		return nil //nolint:nilerr // not permitted on this machine: the report says so
	}
	defer counter.Close()
	if err := g.start(n.spec); err != nil {
		return err
	}
	before := g.done
	g.counting = true
	if err := counter.Run(true); err != nil {
		return err
	}
	if err := g.loop.RunUntil(wire.Clock()+int64(n.spec.Count), nil); err != nil {
		return err
	}
	if err := counter.Run(false); err != nil {
		return err
	}
	g.counting = false
	calls, err := counter.Count()
	if answered := g.done - before; err == nil && answered > 0 {
		n.outcome.Syscalls = float64(calls) / float64(answered)
	}
	if err != nil {
		return err
	}
	return g.rest()
}

// percentiles are of all slices together.
func (o *Outcome) percentiles(took []time.Duration) {
	if len(took) > 0 {
		slices.Sort(took)
		o.P50, o.P99, o.P999 = percentile(took, 500), percentile(took, 990), percentile(took, 999)
	}
}

// percentile of sorted values: the smallest that at least so many of a thousand do not exceed.
func percentile[T any](sorted []T, perMille int) T {
	return sorted[(len(sorted)*perMille+999)/1000-1]
}
