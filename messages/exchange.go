package messages

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/limit"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Exchange is one request of a client on its way to an answer. It goes with the lease of a request actor, from one
// request to the next; the messages that its connection and its request actor send each other are views into it.
type Exchange struct {
	// Set before Begin, never changed after.
	Header  codec.Header
	Arrived int64 // nanoseconds on the process clock
	// Of questions to the cluster (105, 106).
	StandardJSON bool // the request says acceptStandardJsonOnly
	// AskedOffset is what a pull asks for; NoOffset is not known, or it is not a pull.
	AskedOffset int64

	// The connection's own.
	Actor   *actor.PID    // the request actor that is leased for it
	Process actor.Process // the same, looked up
	Waiting bool          // not handed to an upstream yet: dialing, asking
	Relayed bool          // it went, or goes, to the upstream of Link
	Parked  bool          // it waits for the end of a pause, or for a limit (connection/park.go)
	Link    uint16        // the number of a link of the connection
	// Tombstone: the client has got a local reply already; the upstream's answer, if it comes, is dropped.
	Tombstone bool
	// FanOut: it went to several brokers, and its actor joins their answers; nil: it did not.
	FanOut *FanOut
	// PartOf: it is what one broker was asked of a FanOut, and no request of the client; nil: it is one.
	PartOf *FanOut
	// Pop: it takes messages, which may be acked without a handle; nil: it does not.
	Pop *route.Pop
	// Pass is what limits count it for until it is answered; nil: nothing.
	Pass *limit.Pass
	// Where it stands among those that wait (connection/exchanges.go).
	Next, Later, Newest *Exchange

	Progress Progress

	// The request actor's until it is done, then the connection's.
	ResponseCode int32
	Answer       []byte // a whole frame that the proxy made; nil when the upstream's answer was passed on

	Begin    Begin
	Answered Answered
	Reply    Reply
	Settled  Settled
}

// Progress is how far the request of an exchange is, as its connection and its request actor agree on it without a
// message: mostly the actor runs while the connection waits. It may also run elsewhere at that moment, as when another
// actor's message came just before, or fail; so each step is one that the other side sees. The zero value is ready.
type Progress struct{ state atomic.Int32 }

const (
	unknown int32 = iota // no actor has the exchange
	atRest               // an actor has it, and waits for a request
	begun                // the actor works on a request; that it is done is told by Settled
	awaited              // the connection waits for the end of it, in the call that gives the actor its last message
)

// Begin is for the connection, when all of the request is in the exchange. It reports false when the actor has to be
// sent Begin; else it has had this exchange before.
func (p *Progress) Begin() bool {
	if p.state.CompareAndSwap(atRest, begun) {
		return true
	}
	p.state.Store(begun)
	return false
}

// Await is for the connection, before it gives the actor its last message.
func (p *Progress) Await() { p.state.Store(awaited) }

// Done is for the connection, when it has done so: the actor is done, or else Settled will come.
func (p *Progress) Done() bool {
	return p.state.Load() != awaited || !p.state.CompareAndSwap(awaited, begun)
}

// Complete is for the actor when it is done. It reports false when it has to send Settled, and to forget the exchange.
func (p *Progress) Complete() bool { return p.state.CompareAndSwap(awaited, atRest) }

// Forget is for an actor that fails. It reports false when there is a request that it has to answer first.
func (p *Progress) Forget() bool { return p.state.CompareAndSwap(atRest, unknown) }

// NoOffset is no offset of a queue.
const NoOffset = -1

// NewExchange makes an exchange whose views are bound to it.
func NewExchange() *Exchange {
	x := &Exchange{}
	x.Begin.X, x.Answered.X, x.Reply.X, x.Settled.X = x, x, x, x
	return x
}

// Reset makes an exchange that is over ready for another request of the same connection.
func (x *Exchange) Reset() {
	x.FanOut, x.Pop = nil, nil
	x.StandardJSON, x.Waiting, x.Relayed, x.ResponseCode, x.Answer = false, false, false, 0, nil
	x.Reply.Remark, x.Reply.Ext, x.Reply.Body, x.Reply.Version = "", nil, nil, 0
}

// Begin hands an exchange with a request to a request actor, which keeps it for further requests.
type Begin struct{ X *Exchange }

// Answered tells the request actor that the upstream's answer has begun to arrive and is being passed on.
type Answered struct {
	X    *Exchange
	Code int32 // the response code
}

// Reply has the request actor make a local reply: Code and Remark, or Ext, or Body.
type Reply struct {
	X       *Exchange
	Code    int32
	Version int32 // of a broker that the answer stands for; 0: the proxy's own
	Remark  string
	Ext     map[string]string
	Body    []byte
}

// Settled tells the connection that a request is done when it did not wait for that, as after a panic.
type Settled struct{ X *Exchange }
