package messages

import (
	"sync/atomic"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
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
	// Where it stands among those that wait (connection/exchanges.go).
	Next, Later, Newest *Exchange

	// Completion is how the connection hears that the request actor is done.
	Completion Completion

	// The request actor's until it is done, then the connection's.
	ResponseCode int32
	Answer       []byte // a whole frame that the proxy made; nil when the upstream's answer was passed on

	Begin    Begin
	Answered Answered
	Reply    Reply
	Settled  Settled
}

// Completion is how a connection hears that a request actor is done: mostly the actor runs while the connection waits,
// and nothing needs to be sent. It may also run elsewhere at that moment, as when another actor's message came just
// before: then it sends Settled. Exactly one of the two happens.
type Completion struct{ state atomic.Int32 }

const (
	completionSent int32 = iota // as Settled, if at all
	completionAwaited
	completionSeen
)

// Await is for the connection, before it gives the actor its last message.
func (c *Completion) Await() { c.state.Store(completionAwaited) }

// Done is for the connection, when it has done so: the actor is done, or else Settled will come.
func (c *Completion) Done() bool { return !c.state.CompareAndSwap(completionAwaited, completionSent) }

// Complete is for the actor when it is done. It reports false when it has to send Settled.
func (c *Completion) Complete() bool {
	return c.state.CompareAndSwap(completionAwaited, completionSeen)
}

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
	x.FanOut = nil
	x.StandardJSON, x.Waiting, x.Relayed, x.ResponseCode, x.Answer = false, false, false, 0, nil
	x.Reply.Remark, x.Reply.Ext, x.Reply.Body, x.Reply.Version = "", nil, nil, 0
}

// Begin hands a request to a request actor.
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
