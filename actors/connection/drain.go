package connection

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// quietBeforeEnd is how long a client must have said nothing before its connection is closed. A request that was on its
// way when we answered the one before has arrived by then.
const QuietBeforeEnd = time.Second

// farewell is how a connection ends when its proxy drains.
type farewell struct {
	goAway   bool
	leaving  bool
	watching bool          // a timer will look again
	moved    bool          // another process has it
	quiet    time.Duration // since the last traffic, before a leaving connection ends

	asker *actor.PID       // who wants to have this connection; set: nothing is begun
	given *messages.Parcel // what it got, until Moved or Stay
}

// staying is the farewell of all connections that nobody wants to end. It is never written to.
var staying = &farewell{}

// parting is the connection's own farewell, to be changed.
func (c *connection) parting() *farewell {
	if c.bye == staying {
		c.bye = &farewell{}
	}
	return c.bye
}

// lookAgain comes when a leaving connection may have been quiet for long enough.
type lookAgain struct{}

const goAwayRemark = "rocketmq-proxy: this proxy is going away; connect again to the same address"

// sendAway answers 1500 to those who understand it. A client of 5.3.2 or later then opens a new connection to the same
// address, repeats the request there, and closes this one when its last answer has come (PROTOCOL.md I.3). Others
// would see an unknown code and fail, and a oneway request that is not forwarded is lost without a trace.
func (c *connection) sendAway(f *codec.Frame) bool {
	if f.Header.Version <= codec.Version5_3_1 || f.Header.IsOneway() {
		return false
	}
	c.fail(c.begin(f, ""), codec.ResGoAway, goAwayRemark, nil)
	return true
}

func (c *connection) letGo(m *messages.LetGo) {
	bye := c.parting()
	bye.leaving, bye.quiet = true, m.Quiet
	c.endIfDrained()
}

// endIfDrained ends a connection that is to end, has nothing in flight in either direction, and has been quiet for a
// moment: a request that is on its way to us when we close would be lost, and a 4.9.4 client waits out its time-out
// for it (VERIFIED.md 6).
func (c *connection) endIfDrained() {
	if c.bye.asker != nil || c.sock.Kept() > 0 {
		return
	}
	if c.fate == broken {
		c.ctx.Stop(c.ctx.Self())
		return
	}
	if !c.bye.leaving && c.fate != ending || c.count > 0 || c.rest != boundary || c.down != boundary || len(c.backlog) > 0 {
		return
	}
	if c.fate == ending {
		c.ctx.Stop(c.ctx.Self())
		return
	}
	if wait := c.bye.quiet - time.Duration(c.env.Now()-c.lastRead); wait > 0 {
		if !c.bye.watching {
			c.parting().watching = true
			system.After(wait, c.self, &lookAgain{})
		}
		return
	}
	c.ctx.Stop(c.ctx.Self())
}
