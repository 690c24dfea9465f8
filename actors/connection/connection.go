// Package connection is one client socket: frames in, decisions, answers out, and the requests that wait for an answer.
// Its children are the upstream and the request actors.
package connection

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/upstream"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// connection is one client socket: frames in, decisions, answers out. Its children are the upstream that its port
// stands for and the requests that wait for an answer. There are tens of thousands, most of them idle, so the order of
// the fields is one that leaves no gaps, and what few need stands behind a pointer.
//
// It is temporary: when it panics it is stopped, its socket is closed, and the client connects again. Where it reads
// from the client is in connection_requests.go, from the upstream in connection_answers.go.
type connection struct {
	*common
	port *messages.Port
	ctx  actor.Context // valid within Receive only
	self system.Sink
	sock transport.Conn

	// Requests.
	pending *pending // nil while the client is idle
	count   int      // of pending ones, without those that are mourned
	waiting int      // of them, those not handed to an upstream
	asking  int      // of them, those the directory has, and routes
	routes  *routes  // nil: none
	free    []lease
	backlog []parkedChunk // read, but not to be decided yet
	beat    heartbeat

	// Answers.
	hold [][]byte // answers of ours that wait for the end of a frame of the upstream's
	edit *storeHostEdit

	// The upstream.
	link     system.Sink // its actor; zero: never needed one yet
	linkName string

	recorder *stats.Recorder
	delta    *messages.Delta
	bye      *farewell
	born     int64
	lastRead int64 // from either side, on the process clock

	// Time-outs (connection_limits.go).
	lastHeard int64 // from the client
	stall     upstream.Stall
	header    upstream.SlowHeader

	// The small ones, side by side.
	epoch    int32 // of the upstream
	version  int32
	held     bool     // backlog is not empty, or was until a moment ago
	rest     bodyFate // what happens to the rest of the frame that the client is sending
	down     bodyFate // the same of the upstream
	linkUp   bool
	forsaken bool  // a reload has removed the name server that the upstream is connected to
	replayed bool  // the client's heartbeat was, and the client has sent none since
	fate     fate  // of the client once the upstream was lost
	heard    bool  // the client has sent something whole
	begun    uint8 // requests since the client was idle, up to enoughToKeep
	language codec.Language
}

// common is what the connections of one listener on one executor have in common.
type common struct {
	env       *env.Env
	listener  *actor.PID
	cluster   *actor.PID   // of name-server ports
	requests  *actor.Props // of request actors
	upstreams *actor.Props
}

// connectionProps is the recipe of connection actors on one executor.
func Props(e *env.Env, listener, directory *actor.PID, x transport.Executor) *actor.Props {
	all := &common{env: e, listener: listener, cluster: directory,
		requests:  requestProps(e),
		upstreams: upstream.Props(e, x)}
	return e.Props(func() actor.Actor { return &connection{common: all, bye: staying} }, system.OnExecutor{Executor: x}, nil)
}

// bodyFate is what happens to the bytes of a frame that come in later chunks.
type bodyFate uint8

const (
	boundary bodyFate = iota // there is none
	relay
	drop
)

// tickInterval is how exact idle and expiry timers are. One timer for all costs less than one each.
const TickInterval = 5 * time.Second

// lease is a request actor that waits for work.
type lease struct {
	pid     *actor.PID
	process actor.Process
	x       *messages.Exchange // to be used again; nil: none
}

// Receive is part of actor.Actor.
func (c *connection) Receive(ctx actor.Context) {
	c.ctx = ctx
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
		c.brokerBack(m)
	case *messages.RouteReply:
		c.told(m)
	case *messages.PortsOpened:
		c.placed(m)
	case *transport.Drained:
		c.answerRoutes()
		c.endIfDrained()
	case *transport.Closed:
		c.end(m.Err)
	case *messages.Tick:
		c.tick(m)
	case *messages.Drain:
		c.parting().goAway = m.GoAway
	case *messages.LetGo:
		c.letGo(m)
	case *lookAgain:
		c.parting().watching = false
		c.endIfDrained()
	case *messages.HandOver:
		c.handOver()
	case *messages.Surrendered:
		c.surrendered(m)
	case *messages.Stay:
		c.stay()
	case *messages.Moved:
		c.moved()
	case *messages.Adopt:
		c.adopt(m)
	case *messages.Depart:
		c.depart(m)
	case *messages.Report:
		ctx.Send(m.To, c.report())
	case *messages.Fault:
		panic(m.Reason)
	case *actor.Stopping:
		c.env.CleanUp(c.close)
	}
	c.unpark()
	c.flush()
}

func (c *connection) open(m *messages.Accepted) {
	c.enter(m.Port, m.Conn)
	c.sock.Start(&c.self)
}

// enter begins a connection whose socket is not read yet.
func (c *connection) enter(port *messages.Port, sock transport.Conn) {
	c.port, c.sock = port, sock
	c.recorder = c.env.Recorders[c.sock.Executor()]
	c.self = system.NewSink(c.env.System, c.ctx.Self())
	c.born = c.env.Now()
	c.lastRead = c.born
	c.note().Opened++
}

// end stops the connection. An end of stream, even a half-close, is a disconnect: so brokers treat it.
func (c *connection) end(why error) {
	var malformed *codec.FrameError
	switch {
	case errors.Is(why, io.EOF):
		c.env.Log.Debug("client disconnected", c.who()...)
	case errors.As(why, &malformed):
		if line, ok := c.env.Malformed.More(c.env.Now(), append(c.who(), "reason", malformed.Reason)); ok {
			c.env.Log.Warn("a client sent what is no frame; its connection is closed, as brokers do", line...)
		}
	default:
		if line, ok := c.env.Broken.More(c.env.Now(), append(c.who(), "reason", why)); ok {
			c.env.Log.Info("client connection ended", line...)
		}
	}
	c.ctx.Stop(c.ctx.Self())
}

// close is everything that must be given back. The upstream, a child, is stopped with us: to its broker that is the
// client's unregister.
func (c *connection) close() {
	if c.sock == nil {
		return
	}
	if c.fate == kept {
		c.sock.Close()
	} else {
		transport.Reset(c.sock)
	}
	for _, p := range c.backlog {
		p.chunk.Release()
	}
	c.backlog = nil
	c.beat.drop(c.env)
	end := messages.RequestAbandoned
	if c.bye.moved {
		end = messages.RequestMovedAway
	}
	for x := range c.pending.all() {
		if x.Actor != nil {
			c.handed(x)
			c.sample(messages.Sample{Kind: end, Code: x.Header.Code})
		}
	}
	c.pending = nil
	c.note().Closed++
}

// tick looks for what took too long.
func (c *connection) tick(m *messages.Tick) {
	if c.sock == nil {
		return
	}
	c.expire(m.Now)
	if c.count == 0 && m.Now-c.lastRead > int64(TickInterval) {
		c.dismiss()
	}
	if c.linkUp {
		c.link.Deliver(m)
		c.forsaken = c.port.Role == messages.NameServerPort && !c.port.To.Serves(c.linkName, netip.AddrPort{})
		c.leaveForsaken()
	}
	if reason := c.overdue(m.Now); reason != "" {
		c.cut(reason)
	}
}

// dismiss stops the request actors that wait for work: an idle client should cost little.
func (c *connection) dismiss() {
	for _, l := range c.free {
		c.ctx.Stop(l.pid)
	}
	c.free, c.begun = nil, 0
	if c.pending.len() == 0 { // what is mourned stays in it
		c.pending = nil
	}
}

// depart ends a connection whose port is no more.
func (c *connection) depart(m *messages.Depart) {
	switch {
	case !m.Ports[c.port]:
	case m.Now:
		c.ctx.Stop(c.ctx.Self())
	default:
		c.letGo(&messages.LetGo{Quiet: QuietBeforeEnd})
	}
}

func (c *connection) who() []any {
	who := []any{"listener", c.port.Listener, "port", c.port.Role.String(), "client", c.sock.Remote().String()}
	if c.port.Role != messages.NameServerPort {
		who = append(who, "broker", c.port.Broker.String())
	}
	return who
}

func (c *connection) report() *messages.ClientReport {
	now := c.env.Now()
	r := &messages.ClientReport{Listener: c.port.Listener, Role: c.port.Role.String(), Remote: c.sock.Remote().String(),
		Local: c.sock.Local().String(), ClientID: c.beat.ClientID, Version: c.version, Age: seconds(now - c.born),
		Idle: seconds(now - c.lastRead), InFlight: c.count, Kept: c.sock.Kept()}
	if c.version != 0 {
		r.Language = c.language.String()
	}
	if c.port.Role != messages.NameServerPort {
		r.Broker = c.port.Broker.String()
	}
	if c.link.PID != nil {
		state := "connecting"
		if c.linkUp {
			state = "open"
		}
		r.Upstream = &messages.UpstreamReport{Listener: r.Listener, Broker: r.Broker, Address: c.linkName, State: state,
			Client: r.Remote, ClientID: r.ClientID, Epoch: c.epoch, InFlight: c.count - c.waiting}
	}
	return r
}

func seconds(nanos int64) float64 { return float64(nanos/1e6) / 1e3 }
