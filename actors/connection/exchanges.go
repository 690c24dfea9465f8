package connection

import (
	"iter"
	"math/bits"
	"math/rand/v2"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// exchanges are the requests of one connection that wait for an answer, by opaque. It is a hash table whose chains go
// through the exchanges themselves: a request costs no allocation. A client may send one opaque several times: the
// oldest of its requests stands in the chain, the others wait behind it in a queue. A nil one is empty.
type exchanges struct {
	chains []*messages.Exchange // a power of two of them
	shift  int
	n      int
}

// fewestChains is the size to begin with.
const fewestChains = 8

// mix spreads opaques over the chains (multiplicative hashing). It is random, so that no client can choose opaques that
// all fall into one chain.
var mix = rand.Uint32() | 1

func newExchanges() *exchanges {
	t := &exchanges{}
	t.spread(fewestChains)
	return t
}

func (t *exchanges) len() int {
	if t == nil {
		return 0
	}
	return t.n
}

// chain is where requests with this opaque are. Opaques of a client count up, but those of one connection may be every
// fourth only, so their bits are mixed.
func (t *exchanges) chain(opaque int32) **messages.Exchange {
	return &t.chains[uint32(opaque)*mix>>t.shift]
}

// find is where the oldest request with this opaque stands, or would stand.
func (t *exchanges) find(opaque int32) **messages.Exchange {
	at := t.chain(opaque)
	for *at != nil && (*at).Header.Opaque != opaque {
		at = &(*at).Next
	}
	return at
}

func (t *exchanges) add(x *messages.Exchange) {
	if t.n >= len(t.chains) {
		t.spread(2 * len(t.chains))
	}
	t.n++
	at := t.find(x.Header.Opaque)
	if oldest := *at; oldest != nil {
		oldest.Newest.Later, oldest.Newest = x, x
		return
	}
	*at, x.Newest = x, x
}

// spread makes it n chains.
func (t *exchanges) spread(n int) {
	old := t.chains
	t.chains, t.shift = make([]*messages.Exchange, n), 32-bits.TrailingZeros(uint(n))
	for _, x := range old {
		for x != nil {
			next := x.Next
			at := t.chain(x.Header.Opaque)
			x.Next, *at = *at, x
			x = next
		}
	}
}

// takeRelayed removes the oldest request with this opaque that was relayed to a link and returns it; nil is none.
func (t *exchanges) takeRelayed(link uint16, opaque int32) *messages.Exchange {
	if t == nil {
		return nil
	}
	at := t.find(opaque)
	var before *messages.Exchange
	for x := *at; x != nil; before, x = x, x.Later {
		if x.Relayed && x.Link == link {
			t.unlink(at, before, x)
			return x
		}
	}
	return nil
}

// remove removes x and reports whether it was there.
func (t *exchanges) remove(x *messages.Exchange) bool {
	if t == nil {
		return false
	}
	at := t.find(x.Header.Opaque)
	var before *messages.Exchange
	for y := *at; y != nil; before, y = y, y.Later {
		if y == x {
			t.unlink(at, before, x)
			return true
		}
	}
	return false
}

// unlink takes x out of the queue whose oldest is at; before is what stands in front of it, nil if it is the oldest.
func (t *exchanges) unlink(at **messages.Exchange, before, x *messages.Exchange) {
	t.n--
	switch oldest := *at; {
	case before != nil:
		before.Later = x.Later
		if oldest.Newest == x {
			oldest.Newest = before
		}
	case x.Later != nil:
		x.Later.Next, x.Later.Newest = x.Next, x.Newest
		*at = x.Later
	default:
		*at = x.Next
	}
	x.Next, x.Later, x.Newest = nil, nil, nil
}

// all yields the requests, of one opaque the oldest first. None may be added or removed meanwhile.
func (t *exchanges) all() iter.Seq[*messages.Exchange] {
	return func(yield func(*messages.Exchange) bool) {
		if t == nil {
			return
		}
		for _, oldest := range t.chains {
			for ; oldest != nil; oldest = oldest.Next {
				for x := oldest; x != nil; x = x.Later {
					if !yield(x) {
						return
					}
				}
			}
		}
	}
}
