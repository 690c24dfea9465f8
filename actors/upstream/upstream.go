// Package upstream keeps the connection of one client to a broker or name server: one socket after another, each an
// epoch. It knows bytes and no requests.
package upstream

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// upstream keeps one client's connection to its broker (or name server): dial, replay the client's heartbeat, pass
// bytes on, report the loss, begin again.
//
//	resting ──Forward──▶ dialling ──▶ (replaying ──▶) open ──▶ lost ──Resume──▶ resting, or dialling when there is a
//	                                                                            heartbeat to keep the client registered
//
// While the broker is away it rests: what comes is lost at once, and BrokerBack has it dial again.
//
// It decides nothing about requests: its connection knows what waits for an answer.
type upstream struct {
	env  *env.Env
	port *messages.Port
	to   messages.Destination
	near transport.Conn // the client's socket
	self system.Sink
	up   system.Sink // the connection

	heartbeat []byte // to be replayed first; nil: none
	address   string
	sock      transport.Conn
	parked    []*messages.Forward // behind a heartbeat that is being replayed
	retryAt   int64               // no dial before, on the process clock
	cancel    func()              // of the timer of a redial or of a replay
	stall     Stall

	epoch   int32
	swallow int32 // bytes of the replay's answer that are still to come
	attempt int32 // failed dials in a row
	state   upstreamState
	refused bool // the last dial was
}

// upstreamProps is the recipe of upstream actors on one executor.
func Props(e *env.Env, x transport.Executor) *actor.Props {
	return e.Props(func() actor.Actor { return &upstream{env: e} }, system.OnExecutor{Executor: x}, nil)
}

type upstreamState uint8

const (
	unborn  upstreamState = iota // no Resume yet, or Lost was told and not resumed
	resting                      // dials on the next Forward, but not before retryAt
	dialling
	replaying
	open
)

func (s upstreamState) String() string {
	return [...]string{"lost", "resting", "dialling", "replaying", "open"}[s]
}

// Self-messages; the epoch tells late ones.
type redial struct{ epoch int32 }
type replayOverdue struct{ epoch int32 }

const (
	// replayOpaque marks the one request that is ours on a client's connection. Clients count up from 0.
	ReplayOpaque = math.MinInt32
	// replayPatience: a broker that does not answer a heartbeat is not kept from the client's requests for longer.
	replayPatience = 2 * time.Second
	// The first redial comes at once; then the pause doubles up to the longest, with a jitter, as a restarting broker
	// meets the redials of all its clients.
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
	// backSpread is the time over which clients' connections to a broker that is back are opened.
	backSpread = 500 * time.Millisecond
)

// Receive is part of actor.Actor.
func (u *upstream) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		u.self, u.up = system.NewSink(u.env.System, ctx.Self()), system.NewSink(u.env.System, ctx.Parent())
	case *messages.Forward:
		u.forward(m)
	case *transport.Chunk:
		u.fromBroker(m)
	case *transport.Connected:
		u.connected(m)
	case *transport.Closed:
		if m.Conn == u.sock {
			u.closed(m.Err)
		}
	case *messages.BrokerBack:
		u.back()
	case *messages.Resume:
		u.resume(m)
	case *messages.Leave:
		u.drop()
		u.state = unborn
	case *messages.Surrender:
		u.surrender()
	case *messages.Restore:
		u.restore(m.FD)
	case *redial:
		if m.epoch == u.epoch && u.state == resting && !u.away() {
			u.dial()
		}
	case *replayOverdue:
		if m.epoch == u.epoch && u.state == replaying {
			u.open()
		}
	case *messages.Tick:
		u.tick(m.Now)
	case *messages.Fault:
		panic(m.Reason)
	case *actor.Restarting:
		u.env.CleanUp(func() { u.lose("BUG: its actor failed", messages.Lost{Opened: u.state > dialling}) })
	case *actor.Stopping:
		u.env.CleanUp(u.drop)
	}
}

// resume begins an epoch after the one that was lost.
func (u *upstream) resume(m *messages.Resume) {
	u.port, u.to, u.near = m.Port, m.To, m.Near
	u.epoch, u.heartbeat, u.state = m.Epoch, m.Heartbeat, resting
	switch {
	case m.Sock != nil:
		u.take(m.Sock, m.Address)
	case u.heartbeat != nil || m.Redial:
		u.begin()
	}
}

// begin dials for a client that has to be registered, as soon as it may.
func (u *upstream) begin() {
	if u.away() {
		return // BrokerBack comes
	}
	if wait := time.Duration(u.retryAt - u.env.Now()); wait > 0 {
		u.cancel = system.After(wait, u.self, &redial{u.epoch})
		return
	}
	u.dial()
}

func (u *upstream) forward(m *messages.Forward) {
	if m.Epoch != u.epoch || u.state == unborn {
		m.Done()
		return
	}
	if u.state == resting {
		if away := u.away(); away || u.env.Now() < u.retryAt {
			m.Done()
			u.lose("it takes no connections", messages.Lost{Refused: away || u.refused})
			return
		}
		u.dial()
	}
	switch u.state {
	case unborn: // dial failed at once
		m.Done()
	case dialling, replaying:
		if u.heartbeat != nil {
			u.parked = append(u.parked, m)
			return
		}
		u.write(m)
	default:
		u.write(m)
	}
}

func (u *upstream) write(m *messages.Forward) {
	u.sock.Write(m.Chunk.B[m.From:m.To], m.Chunk)
	m.Done()
}

func (u *upstream) dial() {
	u.stopTimer()
	address, ok := u.to.Target(int(u.attempt))
	if !ok {
		u.lose("its address is not known", messages.Lost{})
		return
	}
	u.address = address
	u.state = dialling
	u.to.Dialed()
	u.sock = u.to.Dialer().Dial(address, transport.DownstreamOf(u.near), &u.self)
}

func (u *upstream) connected(m *transport.Connected) {
	if m.Conn != u.sock {
		return
	}
	if u.heartbeat == nil {
		u.open()
		return
	}
	frame, err := codec.WithOpaque(u.heartbeat, ReplayOpaque)
	if err != nil { // it was scanned when it came: only a header without opaque gets here
		u.open()
		return
	}
	u.state = replaying
	u.sock.Write(frame, nil)
	u.cancel = system.After(replayPatience, u.self, &replayOverdue{u.epoch})
}

// open lets everything through.
func (u *upstream) open() {
	u.stopTimer()
	u.state = open
	for _, m := range u.parked {
		u.write(m)
	}
	u.up.Deliver(&messages.Opened{Epoch: u.epoch, Upstream: u.address, Replayed: u.heartbeat != nil})
	u.parked, u.heartbeat = nil, nil
}

func (u *upstream) fromBroker(ch *transport.Chunk) {
	if ch.Conn != u.sock {
		ch.Release()
		return
	}
	u.attempt, u.retryAt = 0, 0
	from := min(int(u.swallow), len(ch.B))
	u.swallow -= int32(from)
	if u.state == replaying {
		from = u.skipReplay(ch, from)
	}
	bad := ch.Err
	if from < len(ch.B) {
		u.deliver(ch, from, len(ch.B))
	}
	ch.Release()
	if bad != nil {
		u.lose(bad.Error(), messages.Lost{Malformed: true, Opened: true})
	}
}

func (u *upstream) deliver(ch *transport.Chunk, from, to int) {
	if from < to {
		u.up.DeliverInline(messages.NewDeliver(ch, from, to, u.epoch))
	}
}

// skipReplay passes on what comes before the answer to our heartbeat and swallows the answer; it returns where the
// rest begins.
func (u *upstream) skipReplay(ch *transport.Chunk, from int) int {
	for i := range ch.Frames {
		f := &ch.Frames[i]
		if f.Header.Opaque != ReplayOpaque || !f.Header.IsResponse() {
			continue
		}
		u.deliver(ch, from, f.Off)
		if f.Header.Code != codec.ResSuccess {
			u.env.Log.Warn("broker rejected replayed heartbeat", "upstream", u.address,
				"response_code", codec.ResponseCodeName(f.Header.Code), "remark", f.Header.Remark(ch.RawHeader(f)))
		}
		from = min(f.End, len(ch.B))
		u.swallow = int32(f.End - from)
		u.open()
		return from
	}
	return from
}

// tick looks for a broker that takes nothing.
func (u *upstream) tick(now int64) {
	if u.state == open && u.stall.Overdue(u.sock.Flow(), now, u.env.Settings().WriteStallTimeout) {
		u.env.Rejections.Add(u.port.Listener, stats.LateUpstream, u.sock.Remote(), now)
		u.lose("it takes nothing (timeouts.write_stall)", messages.Lost{Opened: true})
	}
}

// closed tells a connection that broke from one that did not come about. The latter may be the first sign that the
// broker is away, except on its VIP port, which a broker may lack.
func (u *upstream) closed(err error) {
	if u.state != dialling {
		u.lose(err.Error(), messages.Lost{Opened: true})
		return
	}
	u.refused = u.to.DialFailed(err)
	u.lose(err.Error(), messages.Lost{Refused: u.refused})
}

// away reports that the broker is known to take no connections.
func (u *upstream) away() bool { return u.to != nil && u.to.Away() }

// back dials for a client that is to be registered again; others wait for their next request. Not all at once: a
// broker that has just started meets all its clients.
func (u *upstream) back() {
	u.attempt, u.retryAt = 0, 0
	if u.state == resting && u.heartbeat != nil {
		u.stopTimer()
		u.cancel = system.After(rand.N(backSpread), u.self, &redial{u.epoch})
	}
}

// lose ends the epoch and tells the connection how.
func (u *upstream) lose(reason string, how messages.Lost) {
	if u.state == unborn {
		return
	}
	name := u.address
	if name == "" {
		name = u.to.String()
	}
	if u.state != resting {
		if u.state == dialling || u.attempt > 0 {
			u.retryAt = u.env.Now() + int64(system.Pause(firstPause, longestPause, int(u.attempt)))
		}
		u.attempt++
	}
	u.drop()
	u.state = unborn
	how.Epoch, how.Upstream, how.Reason = u.epoch, name, reason
	u.up.Deliver(&how)
}

// drop closes the socket and forgets what waited for it.
func (u *upstream) drop() {
	u.stopTimer()
	if u.sock != nil {
		u.sock.Close()
		u.sock = nil
	}
	for _, m := range u.parked {
		m.Done()
	}
	u.parked, u.swallow, u.stall = nil, 0, Stall{}
}

func (u *upstream) stopTimer() {
	if u.cancel != nil {
		u.cancel()
		u.cancel = nil
	}
}
