package limit

import (
	"reflect"
	"time"
)

// Set is all limits of a process. It never changes; their buckets do.
type Set struct {
	all []*Limit
	of  map[string]Limits // by listener
	any Limits            // those of every listener
}

// New makes the limits of a configuration, which was checked. Those of before that have not changed keep their buckets, the
// others of the same name what they have counted. before may be nil. Without rules the result is nil, which limits nothing.
func New(rules []Rule, before *Set, budget Budget) (*Set, error) {
	if len(rules) == 0 {
		return nil, nil
	}
	s := &Set{of: map[string]Limits{}}
	for _, r := range rules {
		old := before.named(r.Name)
		if old != nil && reflect.DeepEqual(old.rule, r) {
			s.all = append(s.all, old)
			continue
		}
		l, err := newLimit(r, budget)
		if err != nil {
			return nil, err
		}
		if old != nil {
			l.Count = old.Count
		}
		s.all = append(s.all, l)
	}
	s.sort()
	return s, nil
}

// sort says which limits concern which listener.
func (s *Set) sort() {
	for _, l := range s.all {
		if l.rule.Listener == "" {
			s.any = append(s.any, l)
		} else {
			s.of[l.rule.Listener] = nil
		}
	}
	for name := range s.of {
		for _, l := range s.all {
			if l.rule.Listener == "" || l.rule.Listener == name {
				s.of[name] = append(s.of[name], l)
			}
		}
	}
}

func (s *Set) named(name string) *Limit {
	if s != nil {
		for _, l := range s.all {
			if l.Name == name {
				return l
			}
		}
	}
	return nil
}

// All are the limits in the order of the configuration.
func (s *Set) All() Limits {
	if s == nil {
		return nil
	}
	return s.all
}

// Of are the limits of one listener, in the order of the configuration.
func (s *Set) Of(listener string) Limits {
	if s == nil {
		return nil
	}
	if own, ok := s.of[listener]; ok {
		return own
	}
	return s.any
}

// Succeeded gives back the memory of limits that the next set does not have.
func (s *Set) Succeeded(next *Set) {
	for _, l := range s.All() {
		if next.named(l.Name) != l {
			l.end()
		}
	}
}

// Limits are those that may concern a request.
type Limits []*Limit

// Pass is what a request that passed counts for until it is answered. nil is nothing.
type Pass struct{ held []hold }

// hold is a request that one bucket has counted.
type hold struct {
	of   *Limit
	in   *bucket
	kind Kind
	at   int64
}

// End no longer counts the request as in flight.
func (p *Pass) End() {
	if p == nil {
		return
	}
	for _, h := range p.held {
		h.of.mu.Lock()
		h.add(-1)
		h.of.mu.Unlock()
	}
	p.held = nil
}

func (h *hold) add(n int) {
	if h.kind == Poll {
		h.in.young.add(h.at, n)
	} else {
		h.in.inFlight += n
	}
}

// Place is a poll's in the queue of the limit that it waits for. nil is none.
type Place struct {
	of       *Limit
	in       *bucket
	bytes    float64
	inFlight bool // it waits for something in flight to end
	promised bool
}

// Leave gives the place up, as before the poll asks again.
func (p *Place) Leave() {
	if p == nil {
		return
	}
	p.of.mu.Lock()
	if p.inFlight {
		p.in.queue--
	}
	if p.promised {
		p.in.promise(p.bytes, -1)
	}
	p.inFlight, p.promised = false, false
	p.of.mu.Unlock()
}

// Take asks whether a request may pass now. It may when by is nil: then all limits that match it have counted it. Otherwise
// none has, by is the first that refuses it, and after the time until it is worth asking again. waited says that it is a poll
// whose place in the queue has come.
func (ls Limits) Take(now int64, r *Request, waited bool) (pass *Pass, by *Limit, after time.Duration) {
	var backing [4]hold
	done := backing[:0]
	for _, l := range ls {
		if !l.match.match(r) {
			continue
		}
		t, ok, wait := l.take(now, r, waited)
		if !ok {
			for _, t := range done {
				t.undo(r)
			}
			return nil, l, wait
		}
		done = append(done, t)
	}
	for _, t := range done {
		if t.of.rule.InFlight > 0 {
			if pass == nil {
				pass = &Pass{}
			}
			pass.held = append(pass.held, t)
		}
	}
	return pass, nil, 0
}

// undo no longer counts a request at all.
func (h *hold) undo(r *Request) {
	h.of.mu.Lock()
	defer h.of.mu.Unlock()
	h.in.take(float64(r.Bytes), -1)
	if h.of.rule.InFlight > 0 {
		h.add(-1)
	}
}

// retryInFlight is how soon a poll asks again that waits for another request to be answered, and how much later each
// that waits as well.
const (
	retryInFlight = 20 * time.Millisecond
	retryEach     = time.Millisecond
)

// take counts a request if it may pass.
func (l *Limit) take(now int64, r *Request, waited bool) (t hold, ok bool, after time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, n := l.of(r, now), float64(r.Bytes)
	b.fill(now)
	switch {
	case l.crowded(b, now):
		after = retryInFlight + time.Duration(b.queue)*retryEach
	case b.admits(r.Kind, n, now, waited):
		t = hold{of: l, in: b, kind: r.Kind, at: now}
		b.take(n, 1)
		if l.rule.InFlight > 0 {
			t.add(1)
		}
		return t, true, 0
	default:
		after = max(b.wait(n, now), time.Millisecond)
	}
	if r.Kind == Send {
		b.refused = now
	}
	return t, false, after
}

// crowded reports that as much of a bucket is in flight as may be.
func (l *Limit) crowded(b *bucket, now int64) bool {
	return l.rule.InFlight > 0 && b.running(now) >= l.rule.InFlight
}

// Queue gives a poll that by has refused a place in its queue, for as long as after says. Who has no time for that asks
// again without one.
func (l *Limit) Queue(now int64, r *Request) *Place {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.of(r, now)
	p := &Place{of: l, in: b, bytes: float64(r.Bytes)}
	if l.crowded(b, now) {
		p.inFlight = true
		b.queue++
	} else {
		p.promised = true
		b.promise(p.bytes, 1)
	}
	return p
}
