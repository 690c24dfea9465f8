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
	sum := r.sums[port]
	if sum == nil {
		if r.sums == nil {
			r.sums = map[*messages.Port]*messages.Totals{}
		}
		sum = &messages.Totals{Port: port, Codes: map[int32]*messages.CodeTotals{}}
		r.sums[port] = sum
	}
	var last codeEntry // most samples of a delta are of one code
	for i := range d.Samples {
		addSample(sum, &d.Samples[i], &last)
	}
	sum.DownstreamReceived += d.DownstreamReceived
	sum.DownstreamSent += d.DownstreamSent
	sum.UpstreamReceived += d.UpstreamReceived
	sum.UpstreamSent += d.UpstreamSent
	sum.Opened += d.Opened
	sum.Closed += d.Closed
	r.callLocked()
}

// take returns the sums, which are the caller's from now on.
func (r *Recorder) take() map[*messages.Port]*messages.Totals {
	r.mu.Lock()
	defer r.mu.Unlock()
	sums := r.sums
	r.sums, r.due = nil, false
	return sums
}

// codeEntry is an entry of Totals.Codes: the one that was looked up last.
type codeEntry struct {
	code   int32
	totals *messages.CodeTotals
}

// of returns the totals of a code.
func (e *codeEntry) of(sum *messages.Totals, code int32) *messages.CodeTotals {
	if e.totals == nil || e.code != code {
		if e.totals = sum.Codes[code]; e.totals == nil {
			e.totals = &messages.CodeTotals{}
			sum.Codes[code] = e.totals
		}
		e.code = code
	}
	return e.totals
}

func addSample(sum *messages.Totals, s *messages.Sample, last *codeEntry) {
	sum.Kinds[s.Kind]++
	switch s.Kind {
	case messages.RequestRead:
		code := last.of(sum, s.Code)
		code.Read++
		code.Active++
	case messages.OnewayRead:
		last.of(sum, s.Code).Read++
	case messages.RequestWaiting:
		last.of(sum, s.Code).Pending++
	case messages.RequestHanded:
		last.of(sum, s.Code).Pending--
	case messages.RequestAbandoned:
		code := last.of(sum, s.Code)
		code.Active--
		code.Errors++
	case messages.RequestMovedAway:
		last.of(sum, s.Code).Active--
	case messages.RequestMovedHere:
		last.of(sum, s.Code).Active++
	case messages.RequestAnswered:
		code := last.of(sum, s.Code)
		code.Active--
		answered(sum, code, s)
	default: // its number is all there is to it
	}
}

func answered(sum *messages.Totals, code *messages.CodeTotals, s *messages.Sample) {
	if route.Ordinary(s.Code, s.Response) {
		code.Ordinary++
	} else {
		code.Errors++
	}
	if !s.Local {
		sum.UpstreamTimes = append(sum.UpstreamTimes, s.Nanos)
		return
	}
	sum.LocalTimes = append(sum.LocalTimes, s.Nanos)
	if sum.LocalReplies == nil {
		sum.LocalReplies = map[int32]int{}
	}
	sum.LocalReplies[s.Response]++
}
