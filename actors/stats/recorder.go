package stats

import (
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Recorder is where the connections of one executor add up what has happened. The stats actor takes the sums away every
// 50 ms while there are any; the lock is held for moments only. What it has not taken stays here when an actor crashes:
// the recorder outlives them all, and no sum is ever in a mailbox that may go with its actor. It may be used from any
// goroutine. The zero value is ready, and only adds up until the stats actor begins.
type Recorder struct {
	mu    sync.Mutex
	sums  map[*messages.Port]*messages.Totals
	last  *messages.Totals // of them, the one that was looked up last; nil: none
	stats system.Sink
	due   bool // the sums will be taken
}

// written tells the stats actor that a recorder has sums to be taken.
type written struct{ in *Recorder }

// takeInterval is how old a number in /stats may be: a message to another thread for each request would cost more than
// the request.
const takeInterval = 50 * time.Millisecond

// open has a stats actor take the sums from now on.
func (r *Recorder) open(stats system.Sink) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stats, r.due = stats, false
	if len(r.sums) > 0 {
		r.callLocked()
	}
}

// callLocked has the stats actor take the sums when the interval is over.
func (r *Recorder) callLocked() {
	if !r.due && r.stats.PID != nil {
		r.due = true
		system.After(takeInterval, r.stats, &written{r})
	}
}

// Add enters what happened on one connection of a port. d stays the caller's.
func (r *Recorder) Add(port *messages.Port, d *messages.Delta) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sum := r.ofLocked(port)
	var last *messages.CodeTotals // most samples of a delta are of one code
	for i := range d.Samples {
		s := &d.Samples[i]
		sum.Kinds[s.Kind] += 1 + int(s.Again)
		if s.Kind.HasCode() {
			if last == nil || last.Code != s.Code {
				last = sum.Code(s.Code)
			}
			addSample(sum, last, s)
		}
	}
	sum.DownstreamReceived += d.DownstreamReceived
	sum.DownstreamSent += d.DownstreamSent
	sum.UpstreamReceived += d.UpstreamReceived
	sum.UpstreamSent += d.UpstreamSent
	sum.Opened += d.Opened
	sum.Closed += d.Closed
	sum.Sessions += d.Sessions
	if d.Call.Method != "" {
		if sum.Calls == nil {
			sum.Calls = map[messages.Call]int{}
		}
		sum.Calls[d.Call]++
	}
	r.callLocked()
}

// ofLocked returns the sums of a port. Most deltas are of the port that the one before was of.
func (r *Recorder) ofLocked(port *messages.Port) *messages.Totals {
	if r.last != nil && r.last.Port == port {
		return r.last
	}
	r.last = r.sums[port]
	if r.last == nil {
		if r.sums == nil {
			r.sums = map[*messages.Port]*messages.Totals{}
		}
		r.last = &messages.Totals{Port: port}
		r.sums[port] = r.last
	}
	return r.last
}

// take returns the sums, which are the caller's from now on.
func (r *Recorder) take() map[*messages.Port]*messages.Totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	sums := r.sums
	r.sums, r.last, r.due = nil, nil, false
	return sums
}

func addSample(sum *messages.Totals, code *messages.CodeTotals, s *messages.Sample) {
	n := 1 + int(s.Again)
	switch s.Kind {
	case messages.RequestRead:
		code.Read += n
		code.Active += n
	case messages.OnewayRead:
		code.Read += n
	case messages.OnewayParked:
		code.Read += n
		code.Active += n
		code.Pending += n
	case messages.OnewayHanded:
		code.Active -= n
		code.Pending -= n
	case messages.RequestWaiting:
		code.Pending += n
	case messages.RequestHanded:
		code.Pending -= n
	case messages.RequestAbandoned:
		code.Active -= n
		code.Errors += n
	case messages.RequestMovedAway:
		code.Active -= n
	case messages.RequestMovedHere:
		code.Active += n
	case messages.RequestAnswered:
		code.Active -= n
		answered(sum, code, s, n)
	default: // its number is all there is to it
	}
}

func answered(sum *messages.Totals, code *messages.CodeTotals, s *messages.Sample, n int) {
	if route.Ordinary(s.Code, s.Response) {
		code.Ordinary += n
	} else {
		code.Errors += n
	}
	took := messages.Times{Nanos: s.Nanos, Count: n}
	if !s.Local {
		sum.UpstreamTimes = append(sum.UpstreamTimes, took)
		return
	}
	sum.LocalTimes = append(sum.LocalTimes, took)
	if sum.LocalReplies == nil {
		sum.LocalReplies = map[int32]int{}
	}
	sum.LocalReplies[s.Response] += n
}
