package connection

import (
	"slices"
	"strings"
	"unsafe"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// heartbeat keeps the client's last full heartbeat, which makes a new upstream connection a member of the client's
// groups again. Later ones may say only "as before" (withoutSub) and must not be replayed.
type heartbeat struct {
	full     []byte      // a whole frame; nil: none
	arriving *incomplete // the next one; nil: none arrives
	groups   []string    // of which full makes the client a member, as a consumer
	clientID string      // as the last full one says, whether it is kept or not
	reserved int32       // bytes of the budget, for all of these
	consumer bool        // the client consumes, as the last full one says
	replayed bool        // it was, and the client has sent none since
}

// What is kept of a heartbeat beside its frame is bounded: bytes of a client's id, which stands in lists and in lines
// of the log, and the number of groups.
const (
	maxClientID = 256
	maxGroups   = 1000
)

// incomplete is the beginning of a frame.
type incomplete struct {
	frame []byte // grows with what comes, not by what the length claims
	size  int    // of the whole
}

// maxHeartbeat bounds what is kept. A client in 1,000 groups of 10 topics sends about 2 MB; such a one is served,
// but waits for its own timer after a loss.
const maxHeartbeat = 1 << 20

// watchMembership looks at the two requests that make and end a client's membership.
func (c *connection) watchMembership(ch *transport.Chunk, f *codec.Frame) {
	switch f.Header.Code {
	case codec.ReqHeartBeat:
		c.notifyAgain()
		size := f.End - f.Off
		if size > maxHeartbeat {
			c.heartbeat.drop(c.env) // an older one would take back what this one subscribes to
			return
		}
		here := ch.B[f.Off:min(f.End, len(ch.B))]
		c.heartbeat.arriving = &incomplete{make([]byte, 0, len(here)), size}
		c.heartbeat.more(c.env, here)
	case codec.ReqUnregisterClient:
		// A replay must not register again what the client has unregistered; its next heartbeat says what is left.
		if c.links.many != nil {
			c.heartbeat.leaveGroups(c, ch, f)
		} else {
			c.heartbeat.drop(c.env)
		}
	}
}

// more takes bytes that follow. Bytes of other frames' bodies do not concern it.
func (h *heartbeat) more(env *env.Env, b []byte) {
	part := h.arriving
	if part == nil {
		return
	}
	if part.frame = append(part.frame, b...); len(part.frame) >= part.size {
		h.arriving = nil
		h.learn(part.frame)
	}
	h.account(env)
}

// account has the budget know what is kept. When there is no room none is, as with one that is too large.
func (h *heartbeat) account(env *env.Env) {
	now := cap(h.full) + cap(h.groups)*int(unsafe.Sizeof(""))
	for _, name := range h.groups {
		now += len(name)
	}
	if h.arriving != nil {
		now += cap(h.arriving.frame)
	}
	if env.Transport.Reserve(now - int(h.reserved)) {
		h.reserved = int32(now)
	} else {
		h.drop(env)
	}
}

// takeReplayed reports once that the client's heartbeat was replayed.
func (h *heartbeat) takeReplayed() bool {
	was := h.replayed
	h.replayed = false
	return was
}

// drop keeps nothing that grows.
func (h *heartbeat) drop(env *env.Env) {
	h.full, h.arriving, h.groups = nil, nil, nil
	env.Transport.Release(int(h.reserved))
	h.reserved = 0
}

// learn keeps a frame that is a full heartbeat.
func (h *heartbeat) learn(frame []byte) {
	if len(frame) < codec.PrefixLen { // another process may hand anything over
		return
	}
	p, err := codec.ReadPrefix(frame, codec.Limits{MaxFrame: len(frame), MaxHeader: len(frame)})
	if err != nil || p.Size != len(frame) {
		return
	}
	if said, ok := rewrite.ReadHeartbeat(frame[p.BodyOff():]); ok && !said.Short {
		h.full, h.clientID, h.consumer = frame, shortID(said.ClientID), len(said.ConsumerGroups) > 0
		h.groups = slices.Clone(said.ConsumerGroups[:min(len(said.ConsumerGroups), maxGroups)])
	}
}

// shortID cuts a client's id that is too long, between two characters, and marks it as cut.
func shortID(id string) string {
	if len(id) <= maxClientID {
		return id
	}
	const mark = "…"
	return strings.ToValidUTF8(id[:maxClientID-len(mark)], "") + mark
}
