package limit

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Limit is a rule at work.
type Limit struct {
	Name  string
	Count *Count

	rule   Rule
	match  matchers
	budget Budget

	mu       sync.Mutex
	one      bucket             // of all that match, and of names beyond most
	each     map[string]*bucket // by client, address, topic or group
	sweepAt  int                // how many there may be before those that are full are forgotten
	sweptAt  int64              // when that was last tried in vain
	reserved int                // bytes of the budget
	over     bool               // it is no longer in effect
}

// Count is what a limit has done. It goes on over a reload.
type Count struct{ Refused, Held, Delayed atomic.Uint64 }

// Budget is the memory that buckets are charged to (transport.Transport).
type Budget interface {
	Reserve(bytes int) bool
	Release(bytes int)
}

const (
	most        = 10_000 // buckets of one limit
	fewest      = 64     // before the first sweep
	longestName = 256    // bytes; no name that clients use is longer
	sweepPause  = int64(1e9)
	bucketCost  = int(unsafe.Sizeof(bucket{})) + 64 // with its place in the map
	youngCost   = int(unsafe.Sizeof(young{}))
)

func newLimit(r Rule, budget Budget) (*Limit, error) {
	l := &Limit{Name: r.Name, Count: &Count{}, rule: r, budget: budget, each: map[string]*bucket{}, sweepAt: fewest}
	var err error
	l.match, err = r.compile()
	l.one = *l.bucket()
	return l, err
}

// bucket makes one that is full.
func (l *Limit) bucket() *bucket {
	r := &l.rule
	requests, bytes := r.Requests, r.Bytes
	if r.Burst > 0 && r.Requests > 0 {
		requests = r.Burst
	} else if r.Burst > 0 {
		bytes = r.Burst
	}
	b := &bucket{requests: newLevel(r.Requests, max(requests, 1)), bytes: newLevel(r.Bytes, bytes)}
	if r.InFlight > 0 {
		b.young = &young{}
	}
	return b
}

// of is the bucket that counts a request. The lock is held.
func (l *Limit) of(r *Request, now int64) *bucket {
	var short [nameOfPeer]byte
	var name []byte
	switch l.rule.Per {
	case PerTopic:
		name = r.topicName()
	case PerGroup:
		name = r.groupName()
	case PerAddress:
		name = appendAddress(short[:0], r.address())
	case PerClient:
		if r.Client != "" {
			return l.named(r.Client, now)
		}
		name = append(short[:0], 0) // no client's id begins so
		name = append(name, byte(r.Peer.Port()>>8), byte(r.Peer.Port()))
		raw := r.address().As16()
		name = append(name, raw[:]...)
	default:
		return &l.one
	}
	if b := l.each[string(name)]; b != nil {
		return b
	}
	return l.named(string(name), now)
}

// nameOfPeer has room for the longest name that stands for an address or a connection.
const nameOfPeer = 32

// appendAddress appends an address as the name of a bucket: an IPv6 /64, which one host may have, is one.
func appendAddress(name []byte, a netip.Addr) []byte {
	if a.Is6() {
		raw := a.As16()
		return append(name, raw[:8]...)
	}
	raw := a.As4()
	return append(name, raw[:]...)
}

// named is the bucket of a name. Names that are too many or too long share one.
func (l *Limit) named(name string, now int64) *bucket {
	if b := l.each[name]; b != nil {
		return b
	}
	if len(l.each) >= l.sweepAt {
		l.sweep(now)
	}
	cost := l.cost(name)
	if l.over || len(name) > longestName || len(l.each) >= most || !l.budget.Reserve(cost) {
		return &l.one
	}
	l.reserved += cost
	b := l.bucket()
	b.at = now
	l.each[name] = b
	return b
}

// cost is what the bucket of a name takes in memory.
func (l *Limit) cost(name string) int {
	cost := bucketCost + len(name)
	if l.rule.InFlight > 0 {
		cost += youngCost
	}
	return cost
}

// sweep forgets the buckets that are full again. When there are too many that are not, it is not tried for a while.
func (l *Limit) sweep(now int64) {
	if l.sweptAt != 0 && now-l.sweptAt < sweepPause {
		return
	}
	l.sweptAt = 0
	for name, b := range l.each {
		if b.idle(now) {
			delete(l.each, name)
			l.reserved -= l.cost(name)
			l.budget.Release(l.cost(name))
		}
	}
	if l.sweepAt = min(max(fewest, 2*len(l.each)), most); len(l.each) >= most {
		l.sweptAt = now
	}
}

// end gives back the memory of a limit that is no longer in effect. Who still asks it gets the one bucket.
func (l *Limit) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	clear(l.each)
	l.budget.Release(l.reserved)
	l.reserved = 0
}
