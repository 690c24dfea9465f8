package connection

import (
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
	keep // they are parked
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
	c.lastTraffic = c.env.Now()
	c.in.hear(c.lastTraffic)
	c.samples.note().DownstreamReceived += int64(len(ch.B))
	if ch.Err != nil { // the socket's Closed comes next
		c.samples.add(messages.Sample{Kind: messages.RequestMalformed})
	}
	c.catchUp()
	if p := (parkedChunk{ch, -1, 0}); len(c.in.backlog) > 0 || c.full() {
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

// decide goes through the frames of a chunk. Runs of bytes that all go to the upstream are forwarded as they stand.
func (c *connection) decide(p parkedChunk) {
	ch := p.chunk
	if p.next < 0 {
		c.heartbeat.more(c.env, ch.B[:ch.Lead()])
		c.parkMore(ch)
		p.next, p.from = 0, c.in.lead(ch)
	}
	table := c.port.Table()
	for i := p.next; i < len(ch.Frames); i++ {
		f := &ch.Frames[i]
		if c.busy() || c.port.Role == messages.NameServerPort && c.full() || c.exceeds(&c.links.solo, &f.Header) {
			c.forward(&c.links.solo, ch, p.from, f.Off)
			c.noteParked(c.in.parkFirst(parkedChunk{ch, i, f.Off}))
			return
		}
		if c.frame(table, ch, f) == relay {
			continue
		}
		c.forward(&c.links.solo, ch, p.from, f.Off)
		p.from = min(f.End, len(ch.B))
	}
	c.forward(&c.links.solo, ch, p.from, len(ch.B))
	ch.Release()
}

// frame decides about one frame of the client and says what becomes of its bytes.
func (c *connection) frame(t *route.Table, ch *transport.Chunk, f *codec.Frame) continuation {
	h := &f.Header
	what := relay
	switch {
	case !h.IsResponse():
		c.in.language, c.in.version = h.Language, h.Version
		what = c.request(t, ch, f)
	case c.paused(&c.links.solo): // it is the answer to a request of the broker
		what = c.whilePaused(ch, f, &c.links.solo)
	}
	if f.End > len(ch.B) {
		c.in.continuation = what
	}
	return what
}

// forward hands bytes to the upstream of a link.
func (c *connection) forward(l *link, ch *transport.Chunk, from, to int) {
	if from >= to {
		return
	}
	if !l.exists() {
		c.startLink(l, nil, nil, "") // a heartbeat that we know already is among these very bytes
	}
	c.samples.note().UpstreamSent += int64(to - from)
	l.upstream.DeliverInline(messages.NewForward(ch, from, to, l.epoch))
}
