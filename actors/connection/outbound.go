package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/upstream"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// outbound is the only writer to the client. Its stream belongs to one link at a time, from the beginning of a frame to
// its end: what other links bring meanwhile waits with its references, so that their sockets are not read, and local
// replies wait for the end of the frame.
type outbound struct {
	sock    transport.Conn
	current *link      // whose frame goes on in a later chunk; nil: the client stands between two frames
	replies [][]byte   // local ones that wait for the end of a frame
	queue   []delivery // in the order in which they came
	sent    int64      // bytes since the last takeSent
	stall   upstream.Stall
}

// delivery is what a link brings: bytes, or the word that it is lost, which must not overtake them.
type delivery struct {
	link  *link
	bytes *messages.Deliver
	lost  *messages.Lost
}

// maxReplies is how many local replies may wait for the end of a frame that comes slowly.
const maxReplies = 32

// decider says what becomes of a frame of an upstream.
type decider interface {
	answer(ch *transport.Chunk, f *codec.Frame) passage
}

// passage is what becomes of a frame of an upstream.
type passage struct {
	what  continuation
	head  []byte              // in the place of its prefix and header; nil: they stay
	hosts *rewrite.StoreHosts // begun, for its body; nil: it stays
}

// between reports that the client stands between two frames and nothing waits.
func (o *outbound) between() bool {
	return o.current == nil && len(o.replies) == 0 && len(o.queue) == 0
}

// crowded reports that enough replies wait.
func (o *outbound) crowded() bool { return len(o.replies) >= maxReplies }

// defers keeps what a link brings for later if the stream is another link's, or something of the link itself waits
// already. It reports whether it did.
func (o *outbound) defers(d delivery) bool {
	if (o.current == nil || o.current == d.link) && !o.queued(d.link) {
		return false
	}
	o.queue = append(o.queue, d)
	return true
}

func (o *outbound) queued(l *link) bool {
	for i := range o.queue {
		if o.queue[i].link == l {
			return true
		}
	}
	return false
}

// next takes the oldest delivery that may go on now; ok is false when there is none.
func (o *outbound) next() (d delivery, ok bool) {
	for i := range o.queue {
		if d = o.queue[i]; o.current == nil || o.current == d.link {
			o.queue = append(o.queue[:i], o.queue[i+1:]...)
			return d, true
		}
	}
	return delivery{}, false
}

// relay writes what of a link's bytes goes to the client. Runs of them are written as they stand.
func (o *outbound) relay(j decider, l *link, m *messages.Deliver) {
	ch := m.Chunk
	from, to := o.lead(l, m)
	for i := range ch.Frames {
		f := &ch.Frames[i]
		if f.Off < m.From || f.Off >= m.To {
			continue
		}
		if len(o.replies) > 0 {
			o.writeChunk(ch, from, f.Off)
			from = f.Off
			o.flush()
		}
		p := j.answer(ch, f)
		if p.what == drop || p.head != nil {
			o.writeChunk(ch, from, f.Off)
			from = min(f.End, m.To)
		}
		if p.head != nil {
			o.write(p.head)
			from = f.BodyOff
		}
		if f.End > len(ch.B) {
			l.continuation, o.current = p.what, l
		}
		if p.hosts != nil {
			to -= l.edit(p.hosts, ch.Body(f))
		}
	}
	o.writeChunk(ch, from, to)
	if o.current == nil {
		o.flush()
	}
}

// lead deals with the bytes that continue the frame before, and returns what is to be written after them.
func (o *outbound) lead(l *link, m *messages.Deliver) (from, to int) {
	if l.continuation == boundary {
		o.current = nil
		return m.From, m.To
	}
	ch := m.Chunk
	from, to = m.From, m.To
	end := max(min(ch.Lead(), to), from)
	if l.hosts != nil {
		before, ready := l.hosts.Rewrite(ch.B[from:end])
		if before != nil {
			o.write(before)
		}
		to -= end - from - ready // what is withheld stands at the end of the chunk
	}
	if l.continuation == drop {
		from = end
	}
	if len(ch.Frames) > 0 || ch.Rest == 0 {
		l.end()
		o.current = nil
	}
	return from, to
}

// torn reports that a link is in the middle of a frame that the client has begun to receive.
func (o *outbound) torn(l *link) bool { return l.continuation == relay }

// lose ends what a link that is lost had under way.
func (o *outbound) lose(l *link) {
	if o.current == l {
		o.current = nil
	}
	l.end()
	if o.current == nil {
		o.flush()
	}
}

// reply gives the client a local reply, at the end of the frame that is under way.
func (o *outbound) reply(frame []byte) {
	o.replies = append(o.replies, frame)
	if o.current == nil {
		o.flush()
	}
}

// flush writes the replies that wait.
func (o *outbound) flush() {
	for i, b := range o.replies {
		o.replies[i] = nil
		o.write(b)
	}
	o.replies = o.replies[:0]
}

func (o *outbound) write(b []byte) {
	o.sent += int64(len(b))
	o.sock.Write(b, nil)
}

func (o *outbound) writeChunk(ch *transport.Chunk, from, to int) {
	if from < to {
		o.sent += int64(to - from)
		o.sock.Write(ch.B[from:to], ch)
	}
}

// takeSent is how many bytes were written since it was last asked.
func (o *outbound) takeSent() int64 {
	n := o.sent
	o.sent = 0
	return n
}

// release gives back what waits.
func (o *outbound) release() {
	for _, d := range o.queue {
		if d.bytes != nil {
			d.bytes.Done()
		}
	}
	o.queue = nil
}
