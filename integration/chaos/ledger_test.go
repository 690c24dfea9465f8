package chaos

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// place is where a message is stored.
type place struct {
	broker string
	queue  int
	offset int64
}

type queueOf struct {
	broker string
	queue  int
}

func (p place) in() queueOf    { return queueOf{p.broker, p.queue} }
func (p place) String() string { return fmt.Sprintf("%s/%d@%d", p.broker, p.queue, p.offset) }

// ledger keeps what producers were told and what consumers were given. A message is known by its id, which its body
// begins with and the rest of its body follows from.
type ledger struct {
	mu         sync.Mutex
	accepted   map[string]place // told to be stored, and where
	refused    map[string]bool  // told not to be stored, and never sent again
	unknown    int              // attempts of which nobody knows what became
	received   map[string]map[string]int
	pops       map[string]*pops
	violations []string
	begun      time.Time
}

// pops is what became of one message at the group that pops, by the clock of this machine in milliseconds since 1970.
type pops struct {
	last    int64 // when the broker gave it out last
	acked   int64 // when the first ack was answered that came in time; 0: none
	doubled bool  // it may have gone out to two at once
}

func newLedger() *ledger {
	return &ledger{
		accepted: make(map[string]place), refused: make(map[string]bool), received: make(map[string]map[string]int),
		pops: make(map[string]*pops), begun: time.Now(),
	}
}

// mostViolations are kept; more would bury the first.
const mostViolations = 20

// violate notes that a promise was broken.
func (l *ledger) violate(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.violations) < mostViolations {
		l.violations = append(l.violations, fmt.Sprintf(format, args...))
	}
}

func (l *ledger) accept(id string, at place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.accepted[id] = at
}

func (l *ledger) refuse(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused[id] = true
}

func (l *ledger) doubt() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unknown++
}

// identify returns the id of a message that a group was given.
func (l *ledger) identify(group string, body []byte) string {
	id, _, _ := strings.Cut(string(body[:min(len(body), 100)]), " ")
	if !bytes.Equal(body, numberedBody(id)) {
		l.violate("%s was given a body of %d bytes that nobody sent; it begins with %.60q", group, len(body), body)
	}
	return id
}

// receive notes a delivery to a group, and returns the id of the message.
func (l *ledger) receive(group string, body []byte) string {
	id := l.identify(group, body)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.received[group] == nil {
		l.received[group] = make(map[string]int)
	}
	l.received[group][id]++
	return id
}

// ofPopsLocked is a message's entry.
func (l *ledger) ofPopsLocked(id string) *pops {
	p := l.pops[id]
	if p == nil {
		p = &pops{}
		l.pops[id] = p
	}
	return p
}

func (l *ledger) popped(id string, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.ofPopsLocked(id)
	p.last = max(p.last, at)
}

func (l *ledger) acked(id string, at int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.ofPopsLocked(id); p.acked == 0 {
		p.acked = at
	}
}

func (l *ledger) doubled(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ofPopsLocked(id).doubled = true
}

// missing is how many messages that were accepted at certain places have not come to a group yet, and one of them.
func (l *ledger) missing(group string, of func(place) bool) (n int, example string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for id, at := range l.accepted {
		if l.received[group][id] == 0 && of(at) {
			n++
			example = id + " at " + at.String()
		}
	}
	return n, example
}

// duplicates is how many deliveries to a group were not the first of their message.
func (l *ledger) duplicates(group string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, times := range l.received[group] {
		n += times - 1
	}
	return n
}

// sequence checks the order in which a group is given messages: that of the queue, without a gap, and for the producers
// that send in order that of their numbers. What comes again is not looked at.
type sequence struct {
	mu      sync.Mutex
	next    map[queueOf]int64 // the offset that has not come yet
	numbers map[string]int    // by producer; each has one queue
}

func newSequence() *sequence {
	return &sequence{next: make(map[queueOf]int64), numbers: make(map[string]int)}
}

// see reports what is wrong with a message that comes now, or nil.
func (s *sequence) see(at place, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := s.next[at.in()]
	if at.offset < due {
		return nil
	}
	s.next[at.in()] = at.offset + 1
	if at.offset > due {
		return fmt.Errorf("%s came before offset %d", at, due)
	}
	producer, number := splitID(id)
	if !strings.HasPrefix(producer, inOrder) {
		return nil
	}
	// Attempts of which the producer learned nothing may have been stored later than the one that it was told about.
	if last := s.numbers[producer]; number > last+1 {
		return fmt.Errorf("%s, number %d of %s, came after number %d", at, number, producer, last)
	}
	s.numbers[producer] = max(s.numbers[producer], number)
	return nil
}

// inOrder begins the names of producers that send a message only after the one before is stored.
const inOrder = "orderly-"

func messageID(producer string, number int) string { return producer + ":" + strconv.Itoa(number) }

func splitID(id string) (producer string, number int) {
	producer, text, _ := strings.Cut(id, ":")
	number, _ = strconv.Atoi(text) // a foreign body is reported by ledger.receive
	return producer, number
}

// numberedBody is the body of a message: its id and some bytes that follow from it. One in fifty does not fit into one
// read of the proxy.
func numberedBody(id string) []byte {
	h := fnv.New64a()
	h.Write([]byte(id))
	sum := h.Sum64()
	size := 50 + int(sum%1000)
	if sum%50 == 0 {
		size = 40_000
	}
	return append([]byte(id+" "), harness.RandomBody(sum, size)...)
}
