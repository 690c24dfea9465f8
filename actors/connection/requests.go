package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// parkedChunk is a chunk that waits with its frames from index next on; what lies before from is done with.
type parkedChunk struct {
	chunk      *transport.Chunk
	next, from int
}

// read takes a chunk of the client.
func (c *connection) read(ch *transport.Chunk) {
	c.lastRead = c.env.Now()
	c.heard, c.lastHeard = true, c.lastRead
	c.note().FromDown += int64(len(ch.B))
	if ch.Err != nil { // the socket's Closed comes next
		c.sample(messages.Sample{Kind: messages.RequestMalformed})
	}
	if len(c.backlog) > 0 || c.full() {
		c.park(parkedChunk{ch, -1, 0})
		return
	}
	c.decide(parkedChunk{ch, -1, 0})
}

// full reports that nothing new may be begun for a client that does not read its answers, or asks without waiting.
// The chunks that wait meanwhile fill the window of its socket, which is then not read any more.
func (c *connection) full() bool {
	return c.busy() || c.bye.asker != nil || c.unread() || len(c.hold) >= maxHeld
}

// unpark goes on with what waits, after whatever may have made room.
func (c *connection) unpark() {
	if !c.held {
		return
	}
	for len(c.backlog) > 0 && !c.full() {
		p := c.backlog[0]
		c.backlog = c.backlog[1:]
		c.decide(p)
	}
	if len(c.backlog) == 0 {
		c.backlog, c.held = nil, false
		c.endIfDrained()
	}
}

// decide goes through the frames of a chunk. Runs of bytes that all go to the upstream are forwarded as they stand.
func (c *connection) decide(p parkedChunk) {
	ch := p.chunk
	if p.next < 0 {
		p.next, p.from = 0, c.lead(ch)
	}
	for i := p.next; i < len(ch.Frames); i++ {
		f := &ch.Frames[i]
		if c.busy() || c.port.Role == messages.NameServerPort && c.full() {
			c.forward(ch, p.from, f.Off)
			c.parkFirst(parkedChunk{ch, i, f.Off})
			return
		}
		if c.request(ch, f) == relay {
			continue
		}
		c.forward(ch, p.from, f.Off)
		p.from = min(f.End, len(ch.B))
	}
	c.forward(ch, p.from, len(ch.B))
	ch.Release()
}

// lead deals with the bytes that continue the frame before and returns where what is to be relayed begins.
func (c *connection) lead(ch *transport.Chunk) int {
	n := ch.Lead()
	if n == 0 {
		return 0
	}
	c.beat.more(c.env, ch.B[:n])
	from := 0
	if c.rest == drop {
		from = n
	}
	if len(ch.Frames) > 0 || ch.Rest == 0 {
		c.rest = boundary
	}
	return from
}

// forward hands bytes to the upstream.
func (c *connection) forward(ch *transport.Chunk, from, to int) {
	if from >= to {
		return
	}
	if c.link.PID == nil {
		c.startLink(nil, nil, "") // a heartbeat that we know already is among these very bytes
	}
	c.note().ToUp += int64(to - from)
	c.link.DeliverInline(messages.NewForward(ch, from, to, c.epoch))
}

// startLink starts the upstream's actor; with a socket of another process it goes on with that.
func (c *connection) startLink(heartbeat []byte, sock transport.Conn, address string) {
	c.link = system.NewSink(c.env.System, c.ctx.SpawnPrefix(c.upstreams, "upstream"))
	c.epoch++
	c.link.Deliver(&messages.Resume{Port: c.port, To: c.port.To, Near: c.sock, Epoch: c.epoch, Heartbeat: heartbeat, Sock: sock, Address: address})
}

// resume begins an epoch; m says how.
func (c *connection) resume(m *messages.Resume) {
	c.epoch++
	m.Port, m.To, m.Near, m.Epoch = c.port, c.port.To, c.sock, c.epoch
	c.link.Deliver(m)
}

// request decides about one frame of the client and says what becomes of its bytes.
func (c *connection) request(ch *transport.Chunk, f *codec.Frame) bodyFate {
	h := &f.Header
	fate := relay
	if !h.IsResponse() { // else the answer to a push
		c.language, c.version = h.Language, h.Version
		fate = c.dispatch(ch, f)
	}
	if f.End > len(ch.B) {
		c.rest = fate
	}
	return fate
}

func (c *connection) dispatch(ch *transport.Chunk, f *codec.Frame) bodyFate {
	if c.bye.goAway && c.sendAway(f) {
		return drop
	}
	if c.port.Maintained != nil && c.port.Maintained() {
		return c.refuse(f)
	}
	action := route.OnBrokerPort(f.Header.Code)
	if c.port.Role == messages.NameServerPort {
		action = route.OnNameServerPort(f.Header.Code)
	}
	switch {
	case action == route.Relay:
		c.watchMembership(ch, f)
		if f.Header.IsOneway() {
			c.sample(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
			return relay
		}
		c.begin(f, "").Relayed = true
		return relay
	case f.Header.IsOneway(): // nobody waits for what we would answer
		c.sample(messages.Sample{Kind: messages.OnewayRead, Code: f.Header.Code})
	case action == route.RefuseRegistration:
		c.fail(c.begin(f, ""), codec.ResNoPermission, route.RefusalRemark(f.Header.Code), nil)
	default:
		topic := ""
		if action == route.AnswerTopicRoute {
			topic = f.Header.ExtString(ch.RawHeader(f), "topic")
		}
		x := c.begin(f, topic)
		x.StandardJSON = f.Header.ExtString(ch.RawHeader(f), "acceptStandardJsonOnly") == "true"
		c.asking++
		c.ctx.Send(c.cluster, &messages.RouteQuery{X: x, Topic: topic, Cluster: action == route.AnswerClusterInfo, To: c.ctx.Self()})
	}
	return drop
}

// begin leases a request actor for a request and notes that it waits.
func (c *connection) begin(f *codec.Frame, topic string) *messages.Exchange {
	l := c.leaseOne()
	x := l.x
	x.Actor, x.Process = l.pid, l.process
	x.Header, x.Arrived, x.Topic = f.Header, c.lastRead, topic
	c.enlist(x)
	c.count++
	if c.begun < enoughToKeep {
		c.begun++
	}
	c.sample(messages.Sample{Kind: messages.RequestRead, Code: x.Header.Code})
	if !c.linkUp || f.Header.Code == codec.ReqGetRouteInfoByTopic {
		x.Waiting = true
		c.waiting++
		c.sample(messages.Sample{Kind: messages.RequestWaiting, Code: x.Header.Code})
	}
	l.process.SendUserMessage(l.pid, &x.Begin)
	return x
}

// enlist puts x to those that wait.
func (c *connection) enlist(x *messages.Exchange) {
	if c.pending == nil {
		c.pending = newPending()
	}
	c.pending.add(x)
}

func (c *connection) leaseOne() lease {
	if n := len(c.free); n > 0 {
		l := c.free[n-1]
		c.free[n-1] = lease{}
		c.free = c.free[:n-1]
		return l
	}
	pid := c.ctx.SpawnPrefix(c.requests, "request")
	process, _ := c.env.System.ProcessRegistry.Get(pid)
	return lease{pid, process, messages.NewExchange()}
}

// enoughToKeep requests of a client that was idle make it likely that there will be more.
const enoughToKeep = 2

// giveBack keeps a request actor for the client's next request, unless this was the first one for a while: a client
// that asks now and then should cost little in between.
func (c *connection) giveBack(l lease) {
	if c.begun < enoughToKeep {
		c.ctx.Stop(l.pid)
		return
	}
	c.free = append(c.free, l)
}

// fail has the request's actor make an answer of ours.
func (c *connection) fail(x *messages.Exchange, code int32, remark string, body []byte) {
	x.Failed.Code, x.Failed.Remark, x.Failed.Body = code, remark, body
	x.Process.SendUserMessage(x.Actor, &x.Failed)
}
