package messages

import "github.com/rocketmq-proxy/rocketmq-proxy/route"

// FanOut hands a request actor the answers that it has to wait for, one from each target, and how they become the client's. It
// is over when the actor has made a reply of them.
type FanOut struct {
	X       *Exchange
	Join    route.Join
	Targets []route.BrokerID
	Version int32 // of the proxy's own answers
	// Times of the process clock; 0: never. After Soon one success is enough, after Late nothing is waited for.
	Soon, Late int64
	Look       int64 // when the connection looks next whether one of them is over
	Bytes      int   // of the answers that have come
}

// PartAnswered brings the answer of one target.
type PartAnswered struct {
	FanOut *FanOut
	Answer route.Answer
}

// PartsOverdue says that Soon or Late is over.
type PartsOverdue struct {
	FanOut *FanOut
	Now    int64
}
