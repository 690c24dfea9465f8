// Package upstream keeps the connection of one client to a broker or name server: one socket after another, each an
// epoch. It knows bytes and no requests.
//
// The actor is a child of the client's connection and speaks with it in messages/upstream.go: Resume begins an epoch,
// Forward brings bytes for the broker and Deliver those of the broker, Opened and Lost say how the socket is doing.
// ReleaseSocket and ReturnSocket are for a hand-over. [Stall] and [SlowHeader] watch any socket, also the client's.
package upstream

import (
	"errors"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// upstream keeps one client's connection to its broker (or name server): dial, replay the client's heartbeat, pass
// bytes on, report the loss, begin again.
//
//	idle ──Forward──▶ dialing ──▶ (replaying ──▶) open ──▶ lost ──Resume──▶ idle, or dialing when there is a
//	                                                                            heartbeat to keep the client registered
//
// While the broker is away it is idle: what comes is lost at once, and BrokerBack has it dial again.
//
// It decides nothing about requests: its connection knows which of them wait for an answer.
type upstream struct {
	env    *env.Env
	port   *messages.Port
	to     messages.Destination
	client transport.Client // that it dials for
	self   system.Sink
	up     system.Sink // the connection

	replay  *replay // to be done first; nil: none
	address string
	sock    transport.Conn
	old     transport.Conn // that was left while it had something to write; nil: none
	retryAt int64          // no dial before, on the process clock
	cancel  func()         // of the timer of a redial or of a replay
	stall   Stall

	epoch   int32
	swallow int32 // bytes of the replay's answer that are still to come
	attempt int32 // failed dials in a row
	state   upstreamState
	refused bool // the last dial was, so the broker takes no connections
}

// Props is the recipe of upstream actors on one executor.
func Props(e *env.Env, x transport.Executor) *actor.Props {
	return e.Props(func() actor.Actor { return &upstream{env: e} }, system.OnExecutor{Executor: x}, nil)
}

type upstreamState uint8

const (
	ended upstreamState = iota // before the first Resume, and from each Lost to the next one
	idle                       // dials on the next Forward, but not before retryAt
	dialing
	replaying
	open
)

// Self-messages; the epoch tells late ones.
type (
	redial        struct{ epoch int32 }
	replayOverdue struct{ epoch int32 }
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
		u.drained(m.Conn)
		if m.Conn == u.sock {
			u.closed(m.Err)
		}
	case *transport.Drained:
		u.drained(m.Conn)
	case *messages.BrokerBack:
		u.back()
	case *messages.BrokerMoved:
		u.moved()
	case *messages.Resume:
		u.resume(m)
	case *messages.Replay:
		u.replayAgain(m)
	case *messages.Leave:
		u.leave()
	case *messages.ReleaseSocket:
		u.releaseSocket(m.Link)
	case *messages.ReturnSocket:
		u.returnSocket(m.FD)
	case *redial:
		if m.epoch == u.epoch && u.state == idle {
			u.begin()
		}
	case *replayOverdue:
		if m.epoch == u.epoch && u.state == replaying {
			u.open()
		}
	case *messages.Tick:
		u.tick(m.Now)
	case *actor.Restarting:
		u.env.CleanUp(func() { u.lose("BUG: its actor failed", messages.Lost{Opened: u.state > dialing}); u.drained(u.old) })
	case *actor.Stopping:
		u.env.CleanUp(func() { u.drop(); u.drained(u.old) })
	}
}

// resume begins an epoch after the one that was lost.
func (u *upstream) resume(m *messages.Resume) {
	u.port, u.to, u.client = m.Port, m.To, m.Client
	u.epoch, u.replay, u.state = m.Epoch, newReplay(m.Heartbeat), idle
	switch {
	case m.Sock != nil:
		u.take(m.Sock, m.Address)
	case u.replay != nil || m.Redial:
		u.begin()
	}
}

func (u *upstream) forward(m *messages.Forward) {
	if m.Epoch != u.epoch || u.state == ended {
		m.Done()
		return
	}
	if u.state == idle {
		if away := u.away(); away || u.env.Now() < u.retryAt {
			m.Done()
			u.lose("it takes no connections", messages.Lost{Refused: away || u.refused})
			return
		}
		u.dial()
	}
	switch u.state {
	case ended: // dial failed at once
		m.Done()
	case dialing, replaying:
		if u.replay != nil {
			u.replay.parked = append(u.replay.parked, m)
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
		lost := messages.Lost{Opened: true}
		errors.As(bad, &lost.Malformed)
		u.lose(bad.Error(), lost)
	}
}

func (u *upstream) deliver(ch *transport.Chunk, from, to int) {
	if from < to {
		u.up.DeliverInline(messages.NewDeliver(ch, from, to, u.epoch))
	}
}

// tick looks whether the broker takes bytes, and whether the address is still one to stay with.
func (u *upstream) tick(now int64) {
	u.drained(u.old) // it had long enough
	u.checkAddress()
	if u.state == open && u.stall.Exceeded(u.sock.Flow(), now, u.env.Settings().WriteStallTimeout) {
		u.env.Rejections.Add(u.port.Listener, stats.LateUpstream, u.sock.Remote(), now)
		u.lose("it takes nothing (timeouts.write_stall)", messages.Lost{Opened: true})
	}
}

// closed tells a connection that broke from one that did not come about. The latter may be the first sign that the
// broker is away, except on its VIP port, which a broker may lack.
func (u *upstream) closed(err error) {
	if u.state != dialing {
		u.lose(err.Error(), messages.Lost{Opened: true})
		return
	}
	u.refused = u.to.DialFailed(err)
	u.lose(err.Error(), messages.Lost{Refused: u.refused})
}

// leave ends the epoch on the connection's account. What was written goes out before the socket is closed: oneway
// requests may be among it.
func (u *upstream) leave() {
	if u.state == open && u.sock.Kept() > 0 {
		u.drained(u.old)
		u.old, u.sock = u.sock, nil
	}
	u.drop()
	u.state = ended
}

// drained closes a socket that was left.
func (u *upstream) drained(conn transport.Conn) {
	if u.old != nil && conn == u.old {
		u.old.Close()
		u.old = nil
	}
}

// lose ends the epoch and tells the connection how.
func (u *upstream) lose(reason string, how messages.Lost) {
	if u.state == ended {
		return
	}
	name := u.address
	if name == "" {
		name = u.to.String()
	}
	if u.state != idle {
		if u.state == dialing || u.attempt > 0 {
			u.retryAt = u.env.Now() + int64(system.Pause(firstPause, longestPause, int(u.attempt)))
		}
		u.attempt++
	}
	u.drop()
	u.state = ended
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
	u.replay.drop()
	u.replay, u.swallow, u.stall = nil, 0, Stall{}
}

func (u *upstream) stopTimer() {
	if u.cancel != nil {
		u.cancel()
		u.cancel = nil
	}
}
