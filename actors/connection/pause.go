package connection

import (
	"fmt"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// While a broker is paused (/api/v1/pause), nothing that comes for it is sent. It is parked for cluster.park_timeout, but for
// heartbeats: a client whose heartbeat is not answered drops the broker, so they are answered as the last one was, and the
// last full one goes to the broker before anything else when the pause is over. Links stay as they are; one that is lost
// is not opened again before the end (package upstream).

// confirmation is what the broker of a link said to the client's last heartbeat.
type confirmation struct {
	version   int32 // of the broker; 0: it has confirmed none
	v2        bool  // IS_SUPPORT_HEART_BEAT_V2, and with it IS_SUB_CHANGE
	subChange bool
	owed      bool // a heartbeat that the proxy has answered has yet to reach the broker
}

// confirm notes what the broker says to a heartbeat.
func (l *link) confirm(a *codec.Header, raw []byte) {
	if a.Code == codec.ResSuccess {
		l.confirmed.version = a.Version
		l.confirmed.v2, l.confirmed.subChange = a.ExtString(raw, route.HeartbeatV2) == "true", a.ExtString(raw, route.SubChange) == "true"
	}
}

// ext are the fields of the answer.
func (a confirmation) ext() map[string]string {
	if !a.v2 {
		return nil
	}
	return map[string]string{route.HeartbeatV2: "true", route.SubChange: strconv.FormatBool(a.subChange)}
}

// state is what another process must know of it.
func (a confirmation) state() *messages.HeartbeatAnswer {
	if a.version == 0 {
		return nil
	}
	return &messages.HeartbeatAnswer{Version: a.version, V2: a.v2, SubChange: a.subChange, Owed: a.owed}
}

func confirmationOf(s *messages.HeartbeatAnswer) (a confirmation) {
	if s != nil {
		a = confirmation{version: s.Version, v2: s.V2, subChange: s.SubChange, owed: s.Owed}
	}
	return a
}

// paused reports that the broker of a link is.
func (c *connection) paused(l *link) bool { return c.destination(l).Pause().On() }

// whilePaused takes a frame for a broker that is paused.
func (c *connection) whilePaused(ch *transport.Chunk, f *codec.Frame, l *link) continuation {
	p := c.destination(l).Pause()
	w := wait{link: l, pause: p, until: c.env.Now() + int64(p.Patience()), late: (*connection).pausedLong}
	switch {
	case f.Header.IsResponse() || !f.Header.ExpectsResponse():
	case f.Header.Code == codec.ReqHeartBeat && l.confirmed.version != 0:
		c.confirmAgain(c.begin(f, nil), l)
		return drop
	default:
		w.x = c.beginRelay(ch, f, l)
		if within := c.answerWithin(f.Header.Code); within > 0 {
			w.until = min(w.until, w.x.Arrived+int64(within))
		}
	}
	return c.park(ch, f, w)
}

// confirmAgain answers a heartbeat as the broker has answered the last one.
func (c *connection) confirmAgain(x *messages.Exchange, l *link) {
	l.confirmed.owed = true
	x.Reply.Ext = l.confirmed.ext()
	x.Reply.Version = l.confirmed.version
	c.reply(x, codec.ResSuccess, "", nil)
}

// pausedLong answers a request that the end of a pause has not come in time for.
func (c *connection) pausedLong(p *parked) {
	c.reply(p.x, codec.ResServiceNotAvailable, fmt.Sprintf(
		"rocketmq-proxy: %s is paused (/api/v1/pause), and has been for longer than cluster.park_timeout", c.destination(p.link)), nil)
}

// pauseTurned takes the word that a pause has begun or ended.
func (c *connection) pauseTurned(m *messages.BrokerPaused) {
	if l := c.linkTo(m.BrokerRef); l != nil && !c.paused(l) {
		c.catchUp()
		c.toUpstream(m.BrokerRef, &messages.BrokerBack{BrokerRef: m.BrokerRef})
	}
}

// catchUp sends what was parked for pauses that are over. What comes then may arrive before the word of the end.
func (c *connection) catchUp() {
	for i := range c.links.len() {
		if l := c.links.at(i); l.confirmed.owed && !c.paused(l) {
			l.confirmed.owed = false
			if l.exists() && c.heartbeat.full != nil {
				l.upstream.DeliverInline(&messages.Replay{Epoch: l.epoch, Heartbeat: c.heartbeat.full})
			}
		}
	}
	c.freeParked(func(p *parked) bool { return p.pause != nil && !p.pause.On() })
}
