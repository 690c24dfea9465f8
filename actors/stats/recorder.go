package stats

import (
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Recorder is where the connections of one executor add up what has happened. The stats actor takes the sums away a few
// times a second; nobody holds the lock for longer than a moment. What it has not taken stays here, whoever crashes
// meanwhile: the recorder outlives it, and no sum is ever in a mailbox that may go with its actor.
type Recorder struct {
	mu    sync.Mutex
	sums  map[*messages.Port]*messages.Totals
	stats system.Sink
	due   bool // the sums will be taken
}

// written tells the stats actor that a recorder has sums to be taken.
type written struct{ in *Recorder }

// tallyInterval is how old a number in /stats may be: a message to another thread for each request would cost more than
// the request.
const tallyInterval = 50 * time.Millisecond

// open begins to call on a stats actor.
func (b *Recorder) open(stats system.Sink) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stats, b.due = stats, false
	if len(b.sums) > 0 {
		b.callLocked()
	}
}

// callLocked has the stats actor come when the interval is over.
func (b *Recorder) callLocked() {
	if !b.due && b.stats.PID != nil {
		b.due = true
		system.After(tallyInterval, b.stats, &written{b})
	}
}

// add enters a delta.
func (b *Recorder) Add(port *messages.Port, d *messages.Delta) {
	b.mu.Lock()
	defer b.mu.Unlock()
	sum := b.sums[port]
	if sum == nil {
		if b.sums == nil {
			b.sums = map[*messages.Port]*messages.Totals{}
		}
		sum = &messages.Totals{Port: port, Codes: map[int32]*messages.CodeTotals{}}
		b.sums[port] = sum
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
	b.callLocked()
}

// take returns the sums, which are the caller's from now on.
func (b *Recorder) take() map[*messages.Port]*messages.Totals {
	b.mu.Lock()
	defer b.mu.Unlock()
	sums := b.sums
	b.sums, b.due = nil, false
	return sums
}

// codeEntry is an entry of Totals.Codes.
type codeEntry struct {
	code   int32
	totals *messages.CodeTotals
}

func addSample(sum *messages.Totals, s *messages.Sample, last *codeEntry) {
	sum.Kinds[s.Kind]++
	switch s.Kind {
	case messages.RequestRead, messages.OnewayRead, messages.RequestWaiting, messages.RequestHanded,
		messages.RequestAnswered, messages.RequestAbandoned, messages.RequestMovedAway, messages.RequestMovedHere:
	default:
		return
	}
	if last.totals == nil || last.code != s.Code {
		if last.totals = sum.Codes[s.Code]; last.totals == nil {
			last.totals = &messages.CodeTotals{}
			sum.Codes[s.Code] = last.totals
		}
		last.code = s.Code
	}
	code := last.totals
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
	case messages.RequestMovedAway:
		code.Active--
	case messages.RequestMovedHere:
		code.Active++
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
