package grpc

import (
	"net/netip"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/upstream"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// link is one connection to a broker that many calls share: an upstream actor, and a table of what waits for an answer.
type link struct {
	*shared
	broker string
	to     messages.Destination
	x      transport.Executor

	recorder *stats.Recorder // of the executor

	self, upstream system.Sink
	epoch          int32
	opaque         int32
	waiting        map[int32]*exchange
	version        int32       // the broker's, by its answers of this epoch; 0: not known yet
	unprepared     []*exchange // that wait for it
	answers        assembly
	producers      producers
	heard          int64 // when the broker last answered, or the link was made, on the process clock
	beaten         int64 // when the last heartbeat was sent
	cancel         func()
}

const (
	linkTick = 5 * time.Second
	// answerLimit is when an answer is no longer expected: longer than any poll.
	answerLimit = time.Minute
	// beatEvery keeps the link: brokers close one that is idle for 120 s, and forget producers then.
	beatEvery = 20 * time.Second
)

// Receive is part of actor.Actor.
func (l *link) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		l.start(ctx)
	case *exchange:
		l.send(m)
	case *messages.Deliver:
		l.deliver(m)
	case *messages.Lost:
		l.lost(m)
	case *messages.Opened:
		l.counts(messages.Sample{Kind: messages.UpstreamOpened})
		l.beat()
	case *messages.Outdated:
		l.leave()
	case *messages.Tick:
		l.tick()
	case *actor.Restarting, *actor.Stopping:
		l.Env.CleanUp(func() { l.cancel(); l.giveUp(translate.Lost(l.broker, "its link ended"), false) })
	}
}

func (l *link) start(ctx actor.Context) {
	l.self = system.NewSink(l.Env.System, ctx.Self())
	l.recorder = l.Env.Recorders[l.x]
	l.waiting, l.heard = map[int32]*exchange{}, l.Env.Now()
	l.cancel = system.Every(linkTick, l.self, &messages.Tick{})
	l.upstream = system.NewSink(l.Env.System, ctx.SpawnPrefix(upstream.Props(l.Env, l.x), "upstream"))
	l.resume()
}

// resume begins an epoch. It dials when there is something to send.
func (l *link) resume() {
	l.epoch++
	l.version = 0
	l.answers = assembly{limits: codec.Limits{MaxFrame: l.Env.Settings().MaxFrame, MaxHeader: l.Env.Settings().MaxHeader}}
	l.upstream.Deliver(&messages.Resume{Port: l.port(l.broker), To: l.to, Client: nobody{l.x}, Epoch: l.epoch})
}

// nobody is whom a link dials for: all of its clients.
type nobody struct{ x transport.Executor }

// Executor is part of transport.Client.
func (n nobody) Executor() transport.Executor { return n.x }

// Remote is part of transport.Client.
func (nobody) Remote() netip.AddrPort { return netip.AddrPort{} }

// Local is part of transport.Client.
func (nobody) Local() netip.AddrPort { return netip.AddrPort{} }

func (l *link) send(x *exchange) {
	x.sent = l.Env.Now()
	if x.prepare != nil {
		if l.version == 0 {
			if l.unprepared = append(l.unprepared, x); len(l.unprepared) == 1 {
				l.beat() // its answer says the version
			}
			return
		}
		if err := x.prepare(l.version); err != nil {
			x.fail(err, true)
			return
		}
	}
	if x.producer != "" && l.producers.add(x.producer) {
		l.beat() // the broker has to know whom to ask before it has the message
	}
	l.opaque++
	x.command.Opaque = l.opaque
	l.waiting[l.opaque] = x
	l.requested(l.recorder, l.port(l.broker), x)
	l.write(x.command)
}

// write hands a command to the upstream.
func (l *link) write(c *codec.Command) {
	chunk := transport.NewChunk(c.Append(nil, codec.JSON))
	l.recorder.Add(l.port(l.broker), &messages.Delta{UpstreamSent: int64(len(chunk.B))})
	l.upstream.DeliverInline(messages.NewForward(chunk, 0, len(chunk.B), l.epoch))
	chunk.Release()
}

func (l *link) deliver(m *messages.Deliver) {
	defer m.Done()
	if m.Epoch != l.epoch {
		return
	}
	l.heard = l.Env.Now()
	l.recorder.Add(l.port(l.broker), &messages.Delta{UpstreamReceived: int64(m.To - m.From)})
	err := l.answers.take(m, l.received)
	if err != nil {
		l.counts(messages.Sample{Kind: messages.ResponseMalformed})
		l.Env.Log.Warn("malformed frame from upstream", "listener", l.Listener, "broker", l.broker, "reason", err)
		l.leave()
	}
}

// received takes one frame of the broker.
func (l *link) received(c *codec.Command) {
	if !c.IsResponse() {
		l.counts(messages.Sample{Kind: messages.UpstreamRequestRead})
		l.request(c)
		return
	}
	l.counts(messages.Sample{Kind: messages.ResponseRead})
	if l.version == 0 && c.Version > 0 {
		l.learn(c.Version)
	}
	if x := l.waiting[c.Opaque]; x != nil {
		delete(l.waiting, c.Opaque)
		l.settled(l.recorder, x, c.Code)
		x.answer = c
		x.from.Deliver(x)
	}
}

// learn sends what has waited for the broker's version.
func (l *link) learn(version int32) {
	l.version = version
	waiting := l.unprepared
	l.unprepared = nil
	for _, x := range waiting {
		l.send(x)
	}
}

// request is one of the broker's own: it asks what became of a half message. Others are meant for members of groups, which
// the proxy is not.
func (l *link) request(c *codec.Command) {
	if c.Code == codec.ReqCheckTransactionState {
		l.sessions.Deliver(&orphan{l.broker, c})
		return
	}
	if !c.IsOneway() {
		l.write(c.Answer(codec.ResRequestCodeNotSupported, "the proxy takes no such request"))
	}
}

// lost: nothing that waits will be answered. What was never handed to a socket may go to another broker.
func (l *link) lost(m *messages.Lost) {
	if m.Epoch != l.epoch {
		return
	}
	if m.Opened {
		l.counts(messages.Sample{Kind: messages.UpstreamLost})
	}
	l.giveUp(translate.Lost(l.broker, m.Reason), !m.Opened)
	l.resume()
}

// leave ends an epoch of our own accord.
func (l *link) leave() {
	l.upstream.Deliver(&messages.Leave{})
	l.giveUp(translate.Lost(l.broker, "the link was left"), false)
	l.resume()
}

func (l *link) giveUp(err error, unwritten bool) {
	for opaque, x := range l.waiting {
		l.failed(opaque, x, err, unwritten)
	}
	for _, x := range l.unprepared {
		x.fail(err, true)
	}
	l.unprepared = nil
}

func (l *link) failed(opaque int32, x *exchange, err error, unwritten bool) {
	delete(l.waiting, opaque)
	l.abandoned(l.recorder, x)
	x.fail(err, unwritten)
}

func (l *link) tick() {
	now := l.Env.Now()
	l.upstream.Deliver(&messages.Tick{Now: now})
	for opaque, x := range l.waiting {
		if now-x.sent > int64(answerLimit) {
			l.failed(opaque, x, translate.Timeout(l.broker), false)
		}
	}
	l.unprepared = slices.DeleteFunc(l.unprepared, func(x *exchange) bool {
		late := now-x.sent > int64(answerLimit)
		if late {
			x.fail(translate.Timeout(l.broker), true)
		}
		return late
	})
	if now-l.beaten >= int64(beatEvery) && (len(l.waiting) > 0 || len(l.producers.topics) > 0 || now-l.heard < int64(time.Minute)) {
		l.beat()
	}
}
