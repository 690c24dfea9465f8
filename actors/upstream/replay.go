package upstream

import (
	"math"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// replay is the client's last full heartbeat, which goes first on a new socket, and what waits behind it.
type replay struct {
	heartbeat []byte // a whole frame
	parked    []*messages.Forward
}

const (
	// ReplayOpaque marks the one request that the proxy adds to a client's connection. Clients count up from 0.
	ReplayOpaque = math.MinInt32
	// replayTimeout: a broker that does not answer a heartbeat is not kept from the client's requests for longer.
	replayTimeout = 2 * time.Second
)

// newReplay is that of a heartbeat; nil: there is none.
func newReplay(heartbeat []byte) *replay {
	if heartbeat == nil {
		return nil
	}
	return &replay{heartbeat: heartbeat}
}

// drop gives back what waits.
func (r *replay) drop() {
	if r == nil {
		return
	}
	for _, m := range r.parked {
		m.Done()
	}
}

func (u *upstream) connected(m *transport.Connected) {
	if m.Conn != u.sock {
		return
	}
	if u.replay == nil {
		u.open()
		return
	}
	frame, err := codec.WithOpaque(u.replay.heartbeat, ReplayOpaque)
	if err != nil { // it was scanned when it came: only a header without opaque gets here
		u.open()
		return
	}
	u.state = replaying
	u.sock.Write(frame, nil)
	u.cancel = system.After(replayTimeout, u.self, &replayOverdue{u.epoch})
}

// replayAgain replays a heartbeat that is newer than the one that Resume brought. Its answer comes when nothing waits for it.
func (u *upstream) replayAgain(m *messages.Replay) {
	switch {
	case m.Epoch != u.epoch || u.state == ended:
	case u.state < replaying && u.replay != nil:
		u.replay.heartbeat = m.Heartbeat
	case u.state < replaying:
		u.replay = newReplay(m.Heartbeat)
	default:
		if frame, err := codec.WithOpaque(m.Heartbeat, ReplayOpaque); err == nil {
			u.sock.Write(frame, nil)
		}
	}
}

// open lets everything through.
func (u *upstream) open() {
	u.stopTimer()
	u.state = open
	replay := u.replay
	u.replay = nil
	if replay != nil {
		for _, m := range replay.parked {
			u.write(m)
		}
	}
	u.up.Deliver(&messages.Opened{Epoch: u.epoch, Upstream: u.address, Replayed: replay != nil})
	u.checkAddress()
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
