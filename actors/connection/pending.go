package connection

import (
	"iter"
	"math/bits"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// pending are the requests of one connection that wait for an answer, by opaque. It is a hash table whose chains go
// through the exchanges themselves: a request costs no allocation, and older ones with the same opaque, which a client
// may send, stand behind newer ones. A nil one is empty.
type pending struct {
	chains []*messages.Exchange // a power of two of them, newest first
	shift  int
	n      int
}

// fewestChains is the size to begin with.
const fewestChains = 8

func newPending() *pending {
	p := &pending{}
	p.spread(fewestChains)
	return p
}

func (p *pending) len() int {
	if p == nil {
		return 0
	}
	return p.n
}

// chain is where requests with this opaque are. Opaques of a client count up, but those of one connection may be every
// fourth only, so their bits are mixed (Knuth's multiplicative hash).
func (p *pending) chain(opaque int32) **messages.Exchange {
	return &p.chains[uint32(opaque)*2654435769>>p.shift]
}

func (p *pending) add(x *messages.Exchange) {
	if p.n >= len(p.chains) {
		p.spread(2 * len(p.chains))
	}
	at := p.chain(x.Header.Opaque)
	x.Next, *at = *at, x
	p.n++
}

// spread makes it n chains. What comes first in a chain stays before what comes later.
func (p *pending) spread(n int) {
	old := p.chains
	p.chains, p.shift = make([]*messages.Exchange, n), 32-bits.TrailingZeros(uint(n))
	for _, x := range old {
		for x != nil {
			next := x.Next
			at := p.chain(x.Header.Opaque)
			for *at != nil {
				at = &(*at).Next
			}
			*at, x.Next = x, nil
			x = next
		}
	}
}

// takeRelayed removes the oldest relayed request with this opaque and returns it; nil is none.
func (p *pending) takeRelayed(opaque int32) *messages.Exchange {
	if p == nil {
		return nil
	}
	var oldest **messages.Exchange
	for at := p.chain(opaque); *at != nil; at = &(*at).Next {
		if x := *at; x.Relayed && x.Header.Opaque == opaque {
			oldest = at
		}
	}
	if oldest == nil {
		return nil
	}
	x := *oldest
	p.unlink(oldest)
	return x
}

// remove removes x and reports whether it was there.
func (p *pending) remove(x *messages.Exchange) bool {
	if p == nil {
		return false
	}
	for at := p.chain(x.Header.Opaque); *at != nil; at = &(*at).Next {
		if *at == x {
			p.unlink(at)
			return true
		}
	}
	return false
}

func (p *pending) unlink(at **messages.Exchange) {
	x := *at
	*at, x.Next = x.Next, nil
	p.n--
}

// all yields the requests in no order, but newer ones before older ones with the same opaque. None may be added or
// removed meanwhile.
func (p *pending) all() iter.Seq[*messages.Exchange] {
	return func(yield func(*messages.Exchange) bool) {
		if p == nil {
			return
		}
		for _, x := range p.chains {
			for ; x != nil; x = x.Next {
				if !yield(x) {
					return
				}
			}
		}
	}
}
