package limit

import (
	"math"
	"time"
)

// level is how much of something may pass now. It fills with the rate up to the burst, and may be below zero: a debt.
type level struct {
	rate, burst float64 // rate 0: no such limit
	now         float64
	promised    float64 // to those that wait
}

func newLevel(rate, burst float64) level { return level{rate: rate, burst: burst, now: burst} }

func (l *level) fill(elapsed time.Duration) {
	if l.rate > 0 {
		l.now = min(l.burst, l.now+l.rate*elapsed.Seconds())
	}
}

// rounding is what sums of floating-point numbers may be off by.
const rounding = 1e-6

// has reports whether n may pass while so much is left for others. What is more than the burst needs a full bucket.
func (l *level) has(n, leave float64) bool {
	return l.rate == 0 || l.now >= min(n+leave, l.burst)-rounding
}

// after is the time until n may pass, behind those that wait already.
func (l *level) after(n, leave float64) time.Duration {
	if l.has(n, leave) && l.promised == 0 {
		return 0
	}
	seconds := (min(n+leave, l.burst) + l.promised - l.now) / l.rate
	return time.Duration(math.Ceil(min(seconds, longest.Seconds()) * float64(time.Second)))
}

func (l *level) full() bool { return l.rate == 0 || l.now >= l.burst-rounding && l.promised < rounding }

// longest is how far ahead anything is planned.
const longest = time.Hour

// bucket counts for one limit, or for one client, address, topic or group of it. Its limit's lock guards it.
type bucket struct {
	requests, bytes level
	at              int64 // when both were filled
	refused         int64 // when a send last was; 0: none
	inFlight        int   // sends
	young           *young
	queue           int // polls that wait for something in flight to end
}

// leaveFor is how long polls leave half of a bucket after a send was refused.
const leaveFor = 5 * time.Second

// fill brings a bucket up to the present.
func (b *bucket) fill(now int64) {
	if elapsed := time.Duration(now - b.at); elapsed > 0 {
		b.requests.fill(elapsed)
		b.bytes.fill(elapsed)
		b.at = now
	}
}

// spare is how much of a bucket a request leaves.
func (b *bucket) spare(k Kind, now int64, l *level) float64 {
	if k == Poll && b.refused != 0 && now-b.refused < int64(leaveFor) {
		return math.Floor(l.burst / 2)
	}
	return 0
}

// admits reports whether a request may pass, but for what is in flight. A poll that has not waited passes none that wait.
func (b *bucket) admits(k Kind, n float64, now int64, waited bool) bool {
	requests, bytes := b.spare(k, now, &b.requests), b.spare(k, now, &b.bytes)
	if k == Poll && !waited {
		requests, bytes = requests+b.requests.promised, bytes+b.bytes.promised
		if b.queue > 0 || b.requests.promised > b.requests.burst || b.bytes.promised > b.bytes.burst {
			return false
		}
	}
	return b.requests.has(1, requests) && b.bytes.has(n, bytes)
}

// wait is the time until a poll may pass, but for what is in flight.
func (b *bucket) wait(n float64, now int64) time.Duration {
	return max(b.requests.after(1, b.spare(Poll, now, &b.requests)), b.bytes.after(n, b.spare(Poll, now, &b.bytes)))
}

func (b *bucket) take(n, sign float64) {
	if b.requests.rate > 0 {
		b.requests.now -= sign
	}
	if b.bytes.rate > 0 {
		b.bytes.now -= sign * n
	}
}

func (b *bucket) promise(n, sign float64) {
	if b.requests.rate > 0 {
		b.requests.promised += sign
	}
	if b.bytes.rate > 0 {
		b.bytes.promised += sign * n
	}
}

// running are the requests in flight: sends, and polls that the broker has not held yet.
func (b *bucket) running(now int64) int {
	if b.young == nil {
		return b.inFlight
	}
	return b.inFlight + b.young.count(now)
}

// idle reports that a bucket says no more than a new one would.
func (b *bucket) idle(now int64) bool {
	b.fill(now)
	return b.requests.full() && b.bytes.full() && b.running(now) == 0 && b.queue == 0 && now-b.refused >= int64(leaveFor)
}

// young counts polls that the broker has had for so short a time that it may be working on them. Older ones are held, and
// do not count. It forgets by itself, so that nobody needs a timer for each.
type young struct {
	slots   [youngSlots]int64 // which slot of time each counts for
	pending [youngSlots]int
}

const (
	youngSlots = 8
	youngBits  = 24 // a slot is 2^24 ns, 17 ms: a poll is forgotten after 117 to 134 ms
)

// add counts a poll that was passed on at a time, or no longer.
func (y *young) add(at int64, n int) {
	i := at >> youngBits % youngSlots
	if y.slots[i] != at>>youngBits {
		if n < 0 { // it is forgotten
			return
		}
		y.slots[i], y.pending[i] = at>>youngBits, 0
	}
	y.pending[i] += n
}

func (y *young) count(now int64) (n int) {
	for i := range y.slots {
		if now>>youngBits-y.slots[i] < youngSlots {
			n += y.pending[i]
		}
	}
	return n
}
