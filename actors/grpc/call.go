package grpc

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport/rpc"
)

// call is one RPC. It is temporary: when it panics it is stopped, and its client is told of an error.
//
// It ends when the client has its answer and no question of its own is open: what a broker still sends, as messages that
// were popped for a client that has left, is to be given back.
type call struct {
	*shared
	asker
	rpc     *rpc.Call
	method  method
	ctx     actor.Context // valid within Receive only
	session *actor.PID
	client  *messages.GRPCClient
	stream  *telemetry // nil: it is another method
	polls   bool       // a broker is asked for messages, and may wait for them
	leaving bool       // a drain has begun
	tally   tally
	over    bool // the client has its answer, or is gone
	gone    bool // the client is
	lingers bool // it waits for answers all the same
}

// method is what the API offers.
type method struct {
	begin  func(c *call, request []byte)
	failed func(*pb.Status) proto.Message // the answer that has a status only
	last   func() proto.Message           // what ends also such an answer; nil: nothing
	code   int32                          // of the request that it counts as; 0: of none
}

// refuse is the whole answer of a call that was not served.
func (m method) refuse(s *pb.Status) []proto.Message {
	all := []proto.Message{m.failed(s)}
	if m.last != nil {
		all = append(all, m.last())
	}
	return all
}

// serve makes a method of a function that gets the request decoded.
func serve[T any, M interface {
	*T
	proto.Message
}](begin func(c *call, request M), failed func(*pb.Status) proto.Message) method {
	return method{begin: func(c *call, b []byte) {
		m := M(new(T))
		if err := proto.Unmarshal(b, m); err != nil {
			c.malformed()
			c.notGRPC(err.Error())
			c.fail(translate.Unreadable(err))
			return
		}
		begin(c, m)
	}, failed: failed}
}

// Receive is part of actor.Actor.
func (c *call) Receive(ctx actor.Context) {
	c.ctx = ctx
	switch m := ctx.Message().(type) {
	case *actor.Started:
		c.self, c.session = system.NewSink(c.Env.System, ctx.Self()), ctx.Parent()
	case *begin:
		c.begin(m)
	case inquiry:
		c.answered(m.asked())
	case *overdue:
		c.expired(m)
	case *rpc.Message:
		c.further(m.Bytes)
		m.Taken()
	case *rpc.HalfClosed:
		c.end(rpc.Done)
	case *rpc.Canceled:
		c.leave()
	case *pb.RecoverOrphanedTransactionCommand:
		c.write(translate.RecoverCommand(m))
	case *messages.LetGo:
		c.letGo()
	case *actor.Stopping:
		c.Env.CleanUp(c.close)
	}
	switch {
	case !c.over || c.rpc == nil:
	case c.open == 0:
		ctx.Stop(ctx.Self())
	case !c.lingers:
		c.lingers = true
		c.later(linger, func() { c.open = 0 })
	}
}

// linger is how long a call whose client has its answer, or is gone, waits for what is to be given back. All links have
// answered by then, unless a panic has taken a question with it.
const linger = answerLimit + 2*linkTick

func (c *call) begin(m *begin) {
	c.rpc, c.method = m.rpc, methods[m.rpc.Method()]
	c.tally.began = c.Env.Now()
	c.client, _ = m.rpc.Peer().(*messages.GRPCClient)
	c.client.Called(c.rpc.Metadata("x-mq-client-id"), c.rpc.Metadata("x-mq-language"), c.rpc.Metadata("x-mq-client-version"), c.streams())
	c.rpc.Bind(c.self)
	c.method.begin(c, m.first)
}

// streams reports that its client may send more than one message.
func (c *call) streams() bool { return c.rpc.Method() == "Telemetry" }

// close answers the client if nothing else has: the call has failed.
func (c *call) close() {
	if c.rpc != nil && !c.over {
		c.fail(translate.Failed())
	}
	if c.stream != nil {
		c.Env.System.Root.Send(c.session, &streamed{call: c.ctx.Self(), over: true})
	}
}

// write sends a message to the client. It reports false when there is no memory left to keep it; the call then has ended.
func (c *call) write(m proto.Message) bool {
	if c.over {
		return true
	}
	if s, ok := m.(interface{ GetStatus() *pb.Status }); ok && s.GetStatus() != nil {
		c.tally.code = s.GetStatus().Code
	}
	if !c.rpc.Write(encode(m)) {
		c.account(c.outcome(rpc.ResourceExhausted("")))
		c.over = true
	}
	return !c.over
}

// leave notes that the client is gone.
func (c *call) leave() {
	if !c.over {
		c.account(canceled)
	}
	c.over, c.gone = true, true
}

// end ends the call.
func (c *call) end(s rpc.Status) {
	c.rpc.End(s)
	if !c.over {
		c.account(c.outcome(s))
	}
	c.over = true
}

// reply is the answer of a call that has one message.
func (c *call) reply(m proto.Message) {
	c.write(m)
	c.end(rpc.Done)
}

// fail answers with a status only.
func (c *call) fail(err error) {
	for _, m := range c.method.refuse(translate.StatusOf(err)) {
		c.write(m)
	}
	c.end(rpc.Done)
}

// encode is a message's bytes. What we make ourselves can be encoded; all text of others was made UTF-8.
func encode(m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		panic("BUG: cannot encode an answer: " + err.Error())
	}
	return b
}

// left is the time until the client's deadline, or translate.NoDeadline.
func (c *call) left() time.Duration {
	deadline, ok := c.rpc.Deadline()
	if !ok {
		return translate.NoDeadline
	}
	return time.Until(deadline)
}

const (
	// answerTimeout is how long a broker may take where the client does not say how long it waits.
	answerTimeout = 3 * time.Second
	// longestAnswer is how long a broker may take however long the client waits: less than a link waits for it.
	longestAnswer = 30 * time.Second
	// replyTime is how long before the client's deadline it is told that a broker did not answer.
	replyTime = 100 * time.Millisecond
)

// patience is how long to wait for a broker.
func (c *call) patience() time.Duration { return patienceOf(c.left()) }

// patienceOf is the patience with a client that waits for so long. It is not cut short: SDKs send again what was not answered,
// and then it comes twice.
func patienceOf(left time.Duration) time.Duration {
	if left == translate.NoDeadline {
		return answerTimeout
	}
	return max(min(longestAnswer, left-replyTime), time.Millisecond)
}

// exchange asks a broker. then gets the answer; without one the call fails.
func (c *call) exchange(broker string, command *codec.Command, then func(answer *codec.Command)) {
	x := &exchange{broker: broker, command: command}
	c.ask(c.links, c.request(x), c.patience(), func() {
		if x.err != nil {
			c.fail(x.err)
			return
		}
		then(x.answer)
	}, func() { c.fail(translate.Timeout(broker)) })
}

// tell asks a broker for something whose outcome the client need not know.
func (c *call) tell(broker string, command *codec.Command, then func(answer *codec.Command)) {
	x := &exchange{broker: broker, command: command}
	c.ask(c.links, x, answerTimeout, func() {
		if then != nil && x.err == nil {
			then(x.answer)
		}
	}, func() {})
}

// topic asks for a topic. then gets it; without it the call fails.
func (c *call) topic(name string, then func(t *topicQuery)) {
	q := &topicQuery{topic: name}
	c.ask(c.metadata, q, c.patience(), func() {
		if q.err != nil {
			c.fail(q.err)
			return
		}
		then(q)
	}, func() { c.fail(translate.Timeout("of topic " + name)) })
}

// group asks for a consumer group, which the brokers of a topic know.
func (c *call) group(name, topic string, then func(g translate.Group)) {
	q := &groupQuery{group: name, topic: topic}
	c.ask(c.metadata, q, c.patience(), func() { then(q.config) }, func() { then(translate.DefaultGroup()) })
}
