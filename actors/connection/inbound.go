package connection

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/upstream"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// continuation is what happens to the bytes of a frame that come in later chunks.
type continuation uint8

const (
	boundary continuation = iota // there are none
	relay
	drop
	keep     // they are parked
	gathered // they are gathered until the frame is whole
	// Verdicts of which the frame itself says no more: it has to wait and comes again; another header goes in the place of its
	// own; it goes to several links.
	undecided
	headed
	fanned
)

// inbound is what the client sends: the chunks that wait to be decided, and how the frame that is under way goes on.
type inbound struct {
	backlog      []parkedChunk
	lastHeard    int64 // when the client sent something, on the process clock
	header       upstream.SlowHeader
	version      int32 // of the client, as its last request says
	held         bool  // backlog is not empty, or was until a moment ago
	heard        bool  // the client has sent something whole
	continuation continuation
	language     codec.Language
}

// parkedChunk is a chunk that waits with its frames from index next on; what lies before from is done with. A next of
// -1 is a chunk that is not begun.
type parkedChunk struct {
	chunk      *transport.Chunk
	next, from int
	at         int64 // when it was read, on the process clock
}

// between reports that nothing of a frame is under way and nothing waits.
func (in *inbound) between() bool { return in.continuation == boundary && len(in.backlog) == 0 }

// hear notes that the client has sent something.
func (in *inbound) hear(now int64) { in.heard, in.lastHeard = true, now }

// park keeps a chunk for later and reports whether it is the first.
func (in *inbound) park(p parkedChunk) (first bool) {
	first = !in.held
	in.held = true
	in.backlog = append(in.backlog, p)
	return first
}

// parkFirst keeps the rest of a chunk that was begun.
func (in *inbound) parkFirst(p parkedChunk) (first bool) {
	rest := in.backlog
	in.backlog = nil
	first = in.park(p)
	in.backlog = append(in.backlog, rest...)
	return first
}

// next takes the oldest chunk that waits; ok is false when there is none.
func (in *inbound) next() (p parkedChunk, ok bool) {
	if len(in.backlog) == 0 {
		in.backlog, in.held = nil, false
		return p, false
	}
	p = in.backlog[0]
	in.backlog[0] = parkedChunk{}
	in.backlog = in.backlog[1:]
	return p, true
}

// release gives back what waits.
func (in *inbound) release() {
	for _, p := range in.backlog {
		p.chunk.Release()
	}
	in.backlog = nil
}

// lose drops the rest of a frame that was on its way to an upstream which is gone.
func (in *inbound) lose() {
	if in.continuation == relay {
		in.continuation = drop
	}
}

// lead deals with the bytes that continue the frame before and returns where what is to be relayed begins.
func (in *inbound) lead(ch *transport.Chunk) (from int) {
	n := ch.Lead()
	if n == 0 {
		return 0
	}
	if in.continuation != relay {
		from = n
	}
	if len(ch.Frames) > 0 || ch.Rest == 0 {
		in.continuation = boundary
	}
	return from
}

// read takes a chunk of the client.
func (c *connection) read(ch *transport.Chunk) {
	if ch.Err != nil && c.passedOn(ch) {
		return
	}
	c.lastTraffic = c.env.Now()
	c.in.hear(c.lastTraffic)
	c.samples.note().DownstreamReceived += int64(len(ch.B))
	if ch.Err != nil { // the socket's Closed comes next
		c.samples.add(messages.Sample{Kind: messages.RequestMalformed})
	}
	c.catchUp()
	if p := (parkedChunk{ch, -1, 0, c.lastTraffic}); len(c.in.backlog) > 0 || c.full() {
		c.noteParked(c.in.park(p))
	} else {
		c.decide(p)
	}
}

func (c *connection) noteParked(first bool) {
	if first {
		c.samples.add(messages.Sample{Kind: messages.ReadPaused})
	}
}

// unpark goes on with what waits, after whatever may have made room.
func (c *connection) unpark() {
	for c.in.held && !c.full() {
		p, ok := c.in.next()
		if !ok {
			return
		}
		c.decide(p)
	}
}

// decide goes through the frames of a chunk. Runs of bytes that all go to one upstream are forwarded as they stand.
func (c *connection) decide(p parkedChunk) {
	ch := p.chunk
	if p.next < 0 && !c.begun(&p) {
		return
	}
	if m := c.links.many; m != nil {
		m.arrived, m.client.Now = p.at, c.env.Now()
	}
	table, to := c.port.Table(), c.links.leading()
	for i := p.next; i < len(ch.Frames); i++ {
		f := &ch.Frames[i]
		what, l := undecided, to
		if !c.busy() && (c.port.Role != messages.NameServerPort || !c.full()) {
			what, l = c.frame(table, ch, f)
		}
		if what == relay && l == to {
			continue
		}
		c.forward(to, ch, p.from, f.Off)
		switch what {
		case relay:
			p.from, to = f.Off, l
		case undecided:
			c.noteParked(c.in.parkFirst(parkedChunk{ch, i, f.Off, p.at}))
			return
		case headed:
			c.forwardFrame(l, c.links.many.head)
			p.from, to = f.BodyOff, l
		case fanned:
			c.forwardFanOut(ch, f)
			p.from = f.End
		default:
			p.from = min(f.End, len(ch.B))
		}
	}
	c.forward(to, ch, p.from, len(ch.B))
	ch.Release()
}

// begun deals with the bytes of a chunk that continue the frame before. It reports false when the chunk has to wait
// because that frame, which is whole now, waits.
func (c *connection) begun(p *parkedChunk) bool {
	lead := p.chunk.B[:p.chunk.Lead()]
	c.heartbeat.more(c.env, lead)
	c.parkMore(p.chunk)
	p.next, p.from = 0, c.in.lead(p.chunk)
	whole := c.gatherMore(lead)
	if whole == nil {
		return true
	}
	c.decide(parkedChunk{whole, 0, 0, p.at})
	if len(c.in.backlog) == 0 || c.in.backlog[0].chunk != whole {
		return true
	}
	c.in.backlog = slices.Insert(c.in.backlog, 1, *p)
	return false
}

// frame decides about one frame of the client and says what becomes of its bytes, and which link they go to.
func (c *connection) frame(t *route.Table, ch *transport.Chunk, f *codec.Frame) (what continuation, l *link) {
	h := &f.Header
	switch {
	case h.IsResponse(): // the answer to a push
		what, l = c.answerPush(ch, f)
	case c.needsGathering(ch, f):
		c.in.language, c.in.version = h.Language, h.Version
		what = c.gather(ch, f)
	default:
		c.in.language, c.in.version = h.Language, h.Version
		if what, l = c.request(t, ch, f); what == undecided {
			c.links.undecided()
		}
	}
	if f.End > len(ch.B) && what != undecided {
		if c.in.continuation = what; what == headed {
			c.in.continuation = relay
		}
		c.links.lead(l)
	}
	return what, l
}

// underHead has a frame go on under another head; nil, or one that was changed in place: under its own.
func (c *connection) underHead(what continuation, head []byte, ch *transport.Chunk, f *codec.Frame) continuation {
	switch {
	case head == nil || &head[0] == &ch.Head(f)[0]:
	case what == relay:
		c.links.many.head = head
		return headed
	case what == keep:
		c.flight.parking.rehead(head, f)
	}
	return what
}

// forward hands bytes to a link's upstream.
func (c *connection) forward(l *link, ch *transport.Chunk, from, to int) {
	if from >= to || l == nil {
		return
	}
	if !l.exists() {
		c.startLink(l, nil, nil, "") // a heartbeat that we know already is among these very bytes
	}
	c.samples.note().UpstreamSent += int64(to - from)
	l.upstream.DeliverInline(messages.NewForward(ch, from, to, l.epoch))
}

// forwardFrame hands bytes to a link's upstream that are not the client's.
func (c *connection) forwardFrame(l *link, frame []byte) {
	ch := transport.WholeFrame(frame, &codec.Header{}, len(frame))
	c.forward(l, ch, 0, len(frame))
	ch.Release()
}
