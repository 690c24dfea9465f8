package messages

import (
	"sync"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// An upstream actor keeps one socket after another for its connection. An epoch is the life of one of them, whether
// it ever opened or not; each end of one is told by Lost, and Resume begins the next. So both sides agree which bytes
// belong to which socket, however their messages cross.

// Resume begins an epoch. It carries everything that an upstream actor must know, so that one that was restarted
// knows it too.
type Resume struct {
	Port      *Port
	To        Destination      // where to dial
	Client    transport.Client // that dials are for
	Epoch     int32
	Heartbeat []byte // the client's last full heartbeat, a whole frame, to be replayed first; nil: none
	Redial    bool   // dial at once: requests have been lost, and the next one should not have to wait for a dial
	// Of a connection that another process has handed over: its upstream socket, not started, and the address.
	Sock    transport.Conn
	Address string
}

// Leave ends an epoch on the connection's own account: the socket is closed, and no Lost comes. A Resume comes next.
type Leave struct{}

// Replay has a heartbeat sent that the proxy has answered itself while the broker was paused: at once, or first on the next
// socket. Its answer is dropped.
type Replay struct {
	Epoch     int32
	Heartbeat []byte // a whole frame
}

// Forward is bytes of the client for the upstream: B[From:To] of a chunk, of which the receiver gets a reference. The
// receiver calls Done when it has no more use for it.
type Forward struct {
	Chunk    *transport.Chunk
	From, To int
	Epoch    int32
}

// There is a Forward and a Deliver for each chunk, so they are used again.
var (
	forwards = sync.Pool{New: func() any { return new(Forward) }}
	delivers = sync.Pool{New: func() any { return new(Deliver) }}
)

// NewForward makes a Forward with a reference of its own to the chunk.
func NewForward(ch *transport.Chunk, from, to int, epoch int32) *Forward {
	m := forwards.Get().(*Forward)
	ch.Retain()
	*m = Forward{ch, from, to, epoch}
	return m
}

// Done gives the chunk and the message back.
func (m *Forward) Done() {
	m.Chunk.Release()
	m.Chunk = nil
	forwards.Put(m)
}

// Discard is for a message whose receiver is gone.
func (m *Forward) Discard() { m.Done() }

// Opened tells that what was forwarded in this epoch so far has been handed to the socket.
type Opened struct {
	Epoch    int32
	Upstream string // the address
	Replayed bool   // the heartbeat went first
	Adopted  bool   // it is another process's socket: nothing about it is new to the broker
}

// Outdated tells that the upstream is connected to an address that is not one to stay with: the broker has another one, or
// the name server was removed. The connection leaves it when it can; until then this comes again with each Tick.
type Outdated struct{ Epoch int32 }

// Lost ends an epoch: nothing forwarded in it will be answered.
type Lost struct {
	Epoch     int32
	Upstream  string // the address
	Reason    string
	Malformed *codec.FrameError // what the upstream sent is not a frame; nil: something else happened
	Opened    bool              // it was a connection that had been open
	// Refused: the broker takes no connections. BrokerLost has come or is about to.
	Refused bool
}

// Deliver is bytes of the upstream for the client: B[From:To] of a chunk, of which the receiver gets a reference.
// Frames that begin outside of From..To are not meant. The receiver calls Done when it has no more use for it.
type Deliver struct {
	Chunk    *transport.Chunk
	From, To int
	Epoch    int32
}

// NewDeliver makes a Deliver with a reference of its own to the chunk.
func NewDeliver(ch *transport.Chunk, from, to int, epoch int32) *Deliver {
	m := delivers.Get().(*Deliver)
	ch.Retain()
	*m = Deliver{ch, from, to, epoch}
	return m
}

// Done gives the chunk and the message back.
func (m *Deliver) Done() {
	m.Chunk.Release()
	m.Chunk = nil
	delivers.Put(m)
}

// Discard is for a message whose receiver is gone.
func (m *Deliver) Discard() { m.Done() }
