package route

import (
	"hash/maphash"
	"time"
)

// everywhere asks all brokers of a topic, or all that there are, for the one that has a message: its id does not say
// which. Those that are down are left out, unless all are.
func (r *onePort) everywhere() (Verdict, bool) {
	having, v, ok := r.having(r.topic())
	if !ok {
		return v, true
	}
	targets := having
	if len(targets) == 0 {
		targets = r.o.masters(r.o.Clusters)
	}
	targets = preferUp(targets)
	switch len(targets) {
	case 0:
		return Verdict{}, false
	case 1:
		return r.to(targets[0]), true
	}
	return fanOut(OneHit, targets), true
}

// preferUp leaves out brokers that are down, unless all are.
func preferUp(list []*brokerProcess) []*brokerProcess {
	var up []*brokerProcess
	for _, p := range list {
		if !p.master.down() {
			up = append(up, p)
		}
	}
	if len(up) == 0 {
		return list
	}
	return up
}

// turn is how often a client has asked the same thing.
type turn struct {
	first int64 // on the process clock
	n     int
}

// Tools ask each broker of a topic once, at the same time, and add up the answers; with one address for all they ask it
// as often.
const (
	sameQueryFor = 5 * time.Second
	maxTurns     = 64 // of different queries that a client has under way
)

// inTurn sends identical requests to one broker of their topic after another.
func (r *onePort) inTurn() (Verdict, bool) {
	having, v, ok := r.having(r.topic())
	if !ok {
		return v, true
	}
	if len(having) == 0 {
		return r.onlyBroker()
	}
	return r.to(having[r.client.turn(r.sameness())%len(having)]), true
}

// turn counts a request and returns how many of the same came before it.
func (c *Client) turn(same uint64) (n int) {
	t, ok := c.turns[same]
	if !ok || c.Now-t.first > int64(sameQueryFor) {
		c.endTurns()
		t = turn{first: c.Now}
	}
	n = t.n
	t.n++
	c.turns[same] = t
	c.counted = counted{took: true, same: same}
	return n
}

// endTurns makes room for one more.
func (c *Client) endTurns() {
	if c.turns == nil {
		c.turns = map[uint64]turn{}
	}
	for same, t := range c.turns {
		if len(c.turns) >= maxTurns || c.Now-t.first > int64(sameQueryFor) {
			delete(c.turns, same)
		}
	}
}

var sameSeed = maphash.MakeSeed()

// sameness is equal for requests with the same ext fields, in whatever order.
func (r *onePort) sameness() (sum uint64) {
	var hash maphash.Hash
	hash.SetSeed(sameSeed)
	for key, value := range r.h.ExtFields(r.raw) {
		hash.Reset()
		hash.Write(key)
		hash.WriteByte(0)
		hash.Write(value)
		sum += hash.Sum64()
	}
	return sum
}
