// Package connection is one client socket: frames in, decisions, answers out, and the requests that wait for an answer.
// Its children are the upstream and the request actors.
package connection

import (
	"errors"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/upstream"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// connection is one client socket: frames in, decisions, answers out. Its children are the upstream that its port
// stands for and the requests that wait for an answer. There are tens of thousands, most of them idle, so the order of
// the fields is one that leaves no gaps, and what few need, or none while it is idle, stands behind a pointer
// (TestAnIdleConnectionIsSmall).
//
// It is temporary: when it panics it is stopped, its socket is closed, and the client connects again. Where it reads
// from the client is in inbound.go, from the upstream in answers.go.
type connection struct {
	*common
	port *messages.Port
	ctx  actor.Context // valid within Receive only
	self system.Sink

	in     inbound
	out    outbound
	links  links
	flight inflight
	life   lifecycle

	lent        *lent // gRPC has the socket; nil: it has not
	heartbeat   heartbeat
	routes      *routes // nil: none
	samples     samples
	born        int64
	lastTraffic int64 // in either direction, on the process clock
}

// common is what the connections of one listener on one executor have in common.
type common struct {
	env       *env.Env
	listener  *actor.PID
	requests  *actor.Props // of request actors
	upstreams *actor.Props
	// brokerVersion is that of the broker that has answered a heartbeat last; 0: none has.
	brokerVersion atomic.Int32
	recorder      *stats.Recorder // of the executor
}

// Props is the recipe of connection actors on one executor.
func Props(e *env.Env, listener *actor.PID, x transport.Executor) *actor.Props {
	all := &common{
		env: e, listener: listener,
		requests:  requestProps(e),
		upstreams: upstream.Props(e, x),
		recorder:  e.Recorders[x],
	}
	return e.Props(func() actor.Actor { return &connection{common: all} }, system.OnExecutor{Executor: x}, nil)
}

// TickInterval is how exact idle and expiry timers are. One timer for all costs less than one each.
const TickInterval = 5 * time.Second

// Receive is part of actor.Actor.
func (c *connection) Receive(ctx actor.Context) {
	c.ctx = ctx
	if c.lent != nil {
		c.lent.receive(c, ctx)
		return
	}
	switch m := ctx.Message().(type) {
	case *messages.Accepted:
		c.open(m)
	case *transport.Chunk:
		c.read(m)
	case *messages.Deliver:
		c.deliver(m)
	case *messages.Settled:
		c.settled(m.X)
	case *messages.Opened:
		c.opened(m)
	case *messages.Lost:
		c.lost(m)
	case *messages.BrokerLost:
		c.brokerLost(m)
	case *messages.BrokerBack:
		c.toUpstream(m.BrokerRef, m)
	case *messages.BrokerPaused:
		c.pauseTurned(m)
	case *parkDue:
		c.parkedDue(m)
	case *lookAtLimits:
		c.limitsDue(m)
	case *messages.BrokerMoved:
		c.toUpstream(m.BrokerRef, m)
	case *messages.Outdated:
		c.outdated(m)
	case *retiredFor:
		c.retiredForLong(m)
	case *messages.RouteReply:
		c.routeKnown(m)
	case *messages.PortsOpened:
		c.portsOpened(m)
	case *transport.Drained: // there may be room
		c.hearBulk()
	case *lookAtSlow:
		c.answerSlow(m)
	case *lookAtBulk:
		c.lookedAtBulk()
	case *transport.Closed:
		c.end(m.Err)
	case *messages.Tick:
		c.tick(m)
	case *messages.Drain:
		c.life.order().goAway = m.GoAway
	case *messages.LetGo:
		c.life.letGo(m.Quiet)
	case *lookAgain:
		c.life.order().watching = false
	case *messages.HandOver:
		c.handOver()
	case *messages.SocketReleased:
		c.socketReleased(m)
	case *messages.HandOverAborted:
		c.handOverAborted()
	case *messages.HandOverDone:
		c.handOverDone()
	case *messages.Adopt:
		c.adopt(m)
	case *messages.Depart:
		c.depart(m)
	case *messages.Report:
		ctx.Send(m.To, c.report())
	case *actor.Stopping:
		c.env.CleanUp(c.close)
	}
	c.afterwards()
}

// afterwards goes on with whatever the message may have made room for, and notices the end.
func (c *connection) afterwards() {
	if c.life.state != closed {
		c.answerRoutes()
		c.sendParked()
		c.unpark()
		c.leaveRetired()
		c.closeIfDue()
		c.watchBulk()
		c.account()
	}
	if sent := c.out.takeSent(); sent > 0 {
		c.samples.note().DownstreamSent += sent
	}
	c.samples.flush(c.recorder, c.port)
}

func (c *connection) open(m *messages.Accepted) {
	c.enter(m.Port, m.Conn)
	c.out.sock.Start(&c.self)
}

// enter begins a connection whose socket is not read yet.
func (c *connection) enter(port *messages.Port, sock transport.Conn) {
	c.port, c.out.sock = port, sock
	if port.Role.OneForAll() {
		c.links.many = &many{client: route.Client{Balanced: rand.Uint32()}}
	}
	c.self = system.NewSink(c.env.System, c.ctx.Self())
	c.born = c.env.Now()
	c.lastTraffic = c.born
	c.samples.note().Opened++
}

// end stops the connection. An end of stream, even a half-close, is a disconnect, as for brokers.
func (c *connection) end(why error) {
	var malformed *codec.FrameError
	switch {
	case errors.Is(why, io.EOF):
		c.env.Log.Debug("client disconnected", c.facts()...)
	case errors.As(why, &malformed):
		looks := c.env.Rejections.Malformed(malformed)
		if line, ok := c.env.Malformed.Allow(c.env.Now(), append(c.facts(), "reason", malformed.Reason, "looks_like", looks)...); ok {
			c.env.Log.Warn("malformed frame from client", line...)
		}
	case !c.in.heard: // a probe of a balancer resets what it has opened
		c.env.Log.Debug("client disconnected", append(c.facts(), "reason", why)...)
	default:
		if line, ok := c.env.Broken.Allow(c.env.Now(), append(c.facts(), "reason", why)...); ok {
			c.env.Log.Info("client connection ended", line...)
		}
	}
	c.stop()
}

// close is everything that must be given back. The upstream, a child, is stopped with us: to its broker that is the
// client's unregister.
func (c *connection) close() {
	if c.out.sock == nil {
		return
	}
	c.life.stop()
	if c.life.resets() {
		transport.Reset(c.out.sock)
	} else {
		c.out.sock.Close()
	}
	c.in.release()
	c.dropGathering()
	c.out.release()
	c.heartbeat.drop(c.env)
	c.releaseParked()
	c.life.dropReleased()
	end := messages.RequestAbandoned
	if c.life.moved() {
		end = messages.RequestMovedAway
	}
	for x := range c.flight.table.all() {
		if !x.Tombstone {
			c.handed(x)
			x.Pass.End()
			c.samples.add(messages.Sample{Kind: end, Code: x.Header.Code})
		}
	}
	c.links.release()
	c.flight = inflight{counted: c.flight.counted}
	c.account()
	c.samples.note().Closed++
}

// tick looks for what took too long.
func (c *connection) tick(m *messages.Tick) {
	if c.out.sock == nil {
		return
	}
	c.expire(m.Now)
	if c.flight.count == 0 && m.Now-c.lastTraffic > int64(TickInterval) {
		c.stopAll(c.flight.dismiss())
		c.out.shrink()
	} else {
		c.stopAll(c.flight.shrink())
	}
	for i := range c.links.len() {
		if l := c.links.at(i); l.isUp() {
			l.upstream.Deliver(m)
		}
	}
	c.forgetPops(m.Now)
	c.checkAge(m.Now)
	if reason := c.missedTimeout(m.Now); reason != "" {
		c.cut(reason)
	}
}

// stopAll stops request actors that wait for work.
func (c *connection) stopAll(list []*messages.Exchange) {
	for _, x := range list {
		c.ctx.Stop(x.Actor)
	}
}

// account has the budget know what the requests in flight cost.
func (c *connection) account() {
	if n := int32(c.flight.bytes() + c.links.bytes()); n != c.flight.counted {
		c.env.Transport.Hold(c.out.sock.Executor(), int(n-c.flight.counted))
		c.flight.counted = n
	}
}

// depart ends a connection whose port was closed.
func (c *connection) depart(m *messages.Depart) {
	switch {
	case !m.Ports[c.port]:
	case m.Now:
		c.stop()
	default:
		c.life.letGo(QuietBeforeEnd)
	}
}

// facts are the keys of its lines in the log.
func (c *connection) facts() []any {
	facts := []any{"listener", c.port.Listener, "port", c.port.Role.String(), "client", c.out.sock.Remote().String()}
	if c.port.Role.OfBroker() {
		facts = append(facts, "broker", c.port.Broker.String())
	}
	return facts
}

// report describes the connection and its upstream for the admin pages.
func (c *connection) report() *messages.ClientReport {
	now := c.env.Now()
	r := &messages.ClientReport{
		Listener: c.port.Listener, Role: c.port.Role.String(), Remote: c.out.sock.Remote().String(),
		Local: c.out.sock.Local().String(), ClientID: c.heartbeat.clientID, Version: c.in.version, Age: seconds(now - c.born),
		Idle: seconds(now - c.lastTraffic), InFlight: c.flight.count, Kept: c.out.sock.Kept(),
	}
	if c.in.version != 0 {
		r.Language = c.in.language.String()
	}
	if c.port.Role.OfBroker() {
		r.Broker = c.port.Broker.String()
	}
	for i := range c.links.len() {
		if l := c.links.at(i); l.exists() {
			r.Upstreams = append(r.Upstreams, c.reportLink(r, l))
		}
	}
	return r
}

func (c *connection) reportLink(r *messages.ClientReport, l *link) *messages.UpstreamReport {
	state := "connecting"
	if l.isUp() {
		state = "open"
	}
	return &messages.UpstreamReport{
		Listener: r.Listener, Broker: c.links.broker(c.port, l), Address: l.address, State: state,
		Client: r.Remote, ClientID: r.ClientID, Epoch: c.links.sockets(l), InFlight: c.flight.handedTo(l.number),
	}
}

func seconds(nanos int64) float64 { return float64(nanos/1e6) / 1e3 }
