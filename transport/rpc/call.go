package rpc

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Sink receives what happens to a call after its first message: a *Message, *HalfClosed or *Canceled. Deliver must not
// block.
type Sink interface{ Deliver(event any) }

// Message is a further message of a stream.
type Message struct {
	Bytes []byte
	taken chan struct{}
}

// Taken says that the message is done with. The next one is not read before.
func (m *Message) Taken() { close(m.taken) }

// HalfClosed says that the client sends no more.
type HalfClosed struct{}

// Canceled says that the client, or its connection, is gone, or that the deadline has passed. Nothing follows, and what is
// written from now on reaches nobody.
type Canceled struct{}

// Call is one RPC. Its methods may be called from everywhere, and none of them blocks.
type Call struct {
	method  string
	headers http.Header
	host    string
	ctx     context.Context
	remote  netip.AddrPort
	local   netip.AddrPort
	peer    any
	budget  Budget

	mu      sync.Mutex
	wake    chan struct{} // the writer has something to do; holds one
	out     [][]byte
	kept    int
	counted int     // of them in the budget
	end     *Status // nil: it goes on
	sink    Sink
	events  []any // that came before the sink
	over    bool  // its goroutine has ended
}

// Status is how a call ends, beside what its messages say.
type Status struct {
	Code    uint32 // of gRPC
	Message string
}

// Ends of calls (code.proto).
var (
	Done              = Status{}
	InvalidArgument   = func(text string) Status { return Status{3, text} }
	DeadlineExceeded  = func(text string) Status { return Status{4, text} }
	ResourceExhausted = func(text string) Status { return Status{exhausted, text} }
	Unimplemented     = func(text string) Status { return Status{12, text} }
	Unavailable       = func(text string) Status { return Status{14, text} }
)

const exhausted = 8

func newCall(ctx context.Context, budget Budget, method string, r *http.Request) *Call {
	c := &Call{method: method, ctx: ctx, budget: budget, headers: r.Header, host: r.Host, wake: make(chan struct{}, 1)}
	if nc, ok := ctx.Value(connKey{}).(net.Conn); ok {
		c.remote, c.local = addrPort(nc.RemoteAddr()), addrPort(nc.LocalAddr())
		if h, ok := nc.(hidden); ok {
			c.peer = h.peer
		}
	}
	return c
}

func addrPort(a net.Addr) netip.AddrPort {
	if a == nil {
		return netip.AddrPort{}
	}
	if t, ok := a.(*net.TCPAddr); ok {
		p := t.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	p, _ := netip.ParseAddrPort(a.String())
	return p
}

// Method is the last part of its path: "SendMessage".
func (c *Call) Method() string { return c.method }

// Metadata is a header of the request, "" when it is not there; ":authority" is what the client has dialed.
func (c *Call) Metadata(name string) string {
	if name == ":authority" {
		return c.host
	}
	return c.headers.Get(name)
}

// Deadline is when the client no longer waits; ok is false when it has said none.
func (c *Call) Deadline() (t time.Time, ok bool) { return c.ctx.Deadline() }

// Remote is the client's address.
func (c *Call) Remote() netip.AddrPort { return c.remote }

// Local is the address that the client has reached.
func (c *Call) Local() netip.AddrPort { return c.local }

// Peer is what its connection was taken with.
func (c *Call) Peer() any { return c.peer }

// Bind names the sink of the call's events.
func (c *Call) Bind(sink Sink) {
	c.mu.Lock()
	c.sink = sink
	events := c.events
	c.events = nil
	c.mu.Unlock()
	for _, e := range events {
		sink.Deliver(e)
	}
}

// Write sends a message. It belongs to the call from now on. It reports false when there is no memory left to keep it until the
// client takes it: the call then ends with RESOURCE_EXHAUSTED.
func (c *Call) Write(message []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil || c.over {
		return true
	}
	c.signal()
	if !c.count(c.kept + len(message)) {
		c.end = &Status{Code: exhausted, Message: errMemory.Error()}
		return false
	}
	c.out = append(c.out, message)
	return true
}

// count has so many bytes kept. The cost of a call covers the first ones, as an answer that says what was done must not be refused.
func (c *Call) count(kept int) bool {
	counted := max(kept-callCost/2, 0)
	if more := counted - c.counted; more > 0 && !c.budget.Reserve(more) {
		return false
	} else if more < 0 {
		c.budget.Release(-more)
	}
	c.kept, c.counted = kept, counted
	return true
}

// Kept is how many bytes were written and have not been taken by the connection.
func (c *Call) Kept() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept
}

// End ends the call when what was written is sent. Only the first one counts.
func (c *Call) End(s Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end == nil {
		c.end = &s
		c.signal()
	}
}

func (c *Call) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *Call) deliver(event any) {
	c.mu.Lock()
	sink := c.sink
	if sink == nil {
		c.events = append(c.events, event)
	}
	c.mu.Unlock()
	if sink != nil {
		sink.Deliver(event)
	}
}

// next takes the messages to be sent; end is nil while the call goes on.
func (c *Call) next() (out [][]byte, end *Status) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, c.out = c.out, nil
	return out, c.end
}

func (c *Call) sent(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count(c.kept - n)
}

// leave is the end of its goroutine. It reports whether the call had ended by itself.
func (c *Call) leave() (ended bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over, c.out = true, nil
	c.count(0)
	return c.end != nil
}
