package messages

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Exchange is one request of a client on its way to an answer. It goes with the lease of a request actor, from one
// request to the next; the messages that its connection and its request actor send each other are views into it.
type Exchange struct {
	// Set before Begin, never changed after.
	Header  codec.Header
	Arrived int64 // nanoseconds on the process clock
	// Of questions to the directory (105, 106).
	Topic        string
	StandardJSON bool // the request says acceptStandardJsonOnly

	// The connection's own.
	Actor   *actor.PID    // the request actor that is leased for it
	Process actor.Process // the same, looked up
	Waiting bool          // not handed to an upstream yet: dialling, asking
	Relayed bool          // it went, or goes, to the upstream
	Next    *Exchange     // the next of those that wait, in the chain of pending that it stands in

	// The request actor's until it has sent Settled, then the connection's.
	ResponseCode int32
	Answer       []byte // a whole frame that the proxy made; nil when the upstream's answer was passed on

	Begin    Begin
	Answered Answered
	Failed   Failed
	Settled  Settled
}

// NewExchange makes an exchange whose views are bound to it.
func NewExchange() *Exchange {
	x := &Exchange{}
	x.Begin.X, x.Answered.X, x.Failed.X, x.Settled.X = x, x, x, x
	return x
}

// Reset makes an exchange that is over ready for another request of the same connection.
func (x *Exchange) Reset() {
	x.Topic, x.StandardJSON, x.Waiting, x.Relayed, x.Next, x.ResponseCode, x.Answer = "", false, false, false, nil, 0, nil
	x.Failed.Remark, x.Failed.Body = "", nil
}

// Begin hands a request to a request actor.
type Begin struct{ X *Exchange }

// Answered tells the request actor that the upstream's answer has begun to arrive and is being passed on.
type Answered struct {
	X    *Exchange
	Code int32
}

// Failed tells the request actor that nobody else will answer; it makes the answer: Code and Remark, or Body.
type Failed struct {
	X      *Exchange
	Code   int32
	Remark string
	Body   []byte
}

// Settled is the request actor's last word: what the client is told, if the proxy is the one to tell it.
type Settled struct{ X *Exchange }
