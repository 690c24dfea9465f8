package connection

import (
	"slices"

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
	current *link    // whose frame goes on in a later chunk; nil: the client stands between two frames
	waiting *waiting // nil: nothing has waited for long
	sent    int64    // bytes since the last takeSent
	stall   upstream.Stall
}

// waiting is what the client gets when a frame that is under way has ended.
type waiting struct {
	replies    [][]byte   // local ones
	deliveries []delivery // in the order in which they came
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
	answer(l *link, ch *transport.Chunk, f *codec.Frame) passage
	// more takes bytes of a frame that is gathered.
	more(l *link, b []byte)
}

// passage is what becomes of a frame of an upstream.
type passage struct {
	what  continuation
	head  []byte              // in the place of its prefix and header; nil: they stay
	hosts *rewrite.StoreHosts // begun, for its body; nil: it stays
}

// between reports that the client stands between two frames and nothing waits.
func (o *outbound) between() bool {
	return o.current == nil && o.replies() == 0 && len(o.deliveries()) == 0
}

// crowded reports that enough replies wait.
func (o *outbound) crowded() bool { return o.replies() >= maxReplies }

// replies is how many local replies wait.
func (o *outbound) replies() int {
	if o.waiting == nil {
		return 0
	}
	return len(o.waiting.replies)
}

// deliveries are those that wait.
func (o *outbound) deliveries() []delivery {
	if o.waiting == nil {
		return nil
	}
	return o.waiting.deliveries
}

// wait is what waits, to be changed.
func (o *outbound) wait() *waiting {
	if o.waiting == nil {
		o.waiting = &waiting{}
	}
	return o.waiting
}

// shrink gives up the room for what may wait, if nothing does.
func (o *outbound) shrink() {
	if o.replies() == 0 && len(o.deliveries()) == 0 {
		o.waiting = nil
	}
}

// defers keeps what a link brings for later if the stream is another link's, or something of the link itself waits
// already. It reports whether it did.
func (o *outbound) defers(d delivery) bool {
	if (o.current == nil || o.current == d.link) && !o.queued(d.link) {
		return false
	}
	w := o.wait()
	w.deliveries = append(w.deliveries, d)
	return true
}

func (o *outbound) queued(l *link) bool {
	return slices.ContainsFunc(o.deliveries(), func(d delivery) bool { return d.link == l })
}

// next takes the oldest delivery that may go on now; ok is false when there is none.
func (o *outbound) next() (d delivery, ok bool) {
	list := o.deliveries()
	for i := range list {
		if d = list[i]; o.current == nil || o.current == d.link {
			o.waiting.deliveries = slices.Delete(list, i, i+1)
			return d, true
		}
	}
	return delivery{}, false
}

// relay writes what of a link's bytes goes to the client. Runs of them are written as they stand.
func (o *outbound) relay(j decider, l *link, m *messages.Deliver) {
	ch := m.Chunk
	from, to := o.lead(j, l, m)
	goesOn := o.current != nil
	o.current = l // what is replied meanwhile must not come before what of this chunk is not written yet
	for i := range ch.Frames {
		f := &ch.Frames[i]
		if f.Off < m.From || f.Off >= m.To {
			continue
		}
		if o.replies() > 0 {
			o.writeChunk(ch, from, f.Off)
			from = f.Off
			o.flush()
		}
		p := j.answer(l, ch, f)
		if p.what != relay || p.head != nil {
			o.writeChunk(ch, from, f.Off)
			from = min(f.End, m.To)
		}
		if p.head != nil {
			o.write(p.head)
			from = f.BodyOff
		}
		if f.End > len(ch.B) {
			l.continuation, goesOn = p.what, p.what == relay // what the client does not get keeps nobody waiting
		}
		if p.hosts != nil {
			to -= l.edit(p.hosts, ch.Body(f))
		}
	}
	o.writeChunk(ch, from, to)
	if !goesOn {
		o.current = nil
		o.flush()
	}
}

// lead deals with the bytes that continue the frame before, and returns what is to be written after them.
func (o *outbound) lead(j decider, l *link, m *messages.Deliver) (from, to int) {
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
	if l.continuation == gathered {
		j.more(l, ch.B[from:end])
	}
	if l.continuation != relay {
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
	if o.current == nil && o.replies() == 0 {
		o.write(frame)
		return
	}
	w := o.wait()
	w.replies = append(w.replies, frame)
}

// flush writes the replies that wait.
func (o *outbound) flush() {
	if o.replies() == 0 {
		return
	}
	list := o.waiting.replies
	o.waiting.replies = list[:0]
	for _, b := range list {
		o.write(b)
	}
	clear(list)
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
	for _, d := range o.deliveries() {
		if d.bytes != nil {
			d.bytes.Done()
		}
	}
	o.waiting = nil
}
