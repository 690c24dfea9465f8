package connection

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// recorder is a client's socket that takes everything.
type recorder struct {
	transport.Conn
	bytes.Buffer
}

func (r *recorder) Write(b []byte, _ *transport.Chunk) { r.Buffer.Write(b) }

// relaying passes every frame on.
type relaying struct{}

func (relaying) answer(*link, *transport.Chunk, *codec.Frame) passage { return passage{what: relay} }

func (relaying) more(*link, []byte) {}

// severalLinks are some brokers that write to one client.
type severalLinks struct {
	out    outbound
	client recorder
	links  []*link
	far    []net.Conn
	came   chan arrival
}

type arrival struct {
	link  *link
	event any
}

type linkSink struct {
	l    *link
	came chan arrival
}

func (s linkSink) Deliver(event any) { s.came <- arrival{s.l, event} }

// withLinks runs a test in a bubble with n links whose far ends are pipes.
func withLinks(t *testing.T, n int, test func(t *testing.T, w *severalLinks)) {
	synctest.Test(t, func(t *testing.T) {
		w := &severalLinks{came: make(chan arrival, 10_000)}
		w.out.sock = &w.client
		sockets := &transport.Net{Window: 64 << 10, Limits: codec.Limits{MaxFrame: 1 << 20, MaxHeader: 1 << 16}}
		sockets.Dialer = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			w.far = append(w.far, far)
			return near, nil
		}
		for range n {
			l := &link{}
			w.links = append(w.links, l)
			sockets.Dial("broker:1", transport.Downstream{}, linkSink{l, w.came})
			synctest.Wait()
		}
		test(t, w)
		for _, far := range w.far {
			far.Close()
		}
		synctest.Wait()
		w.pump()
		w.out.release()
	})
}

// pump gives the client what the links have brought so far.
func (w *severalLinks) pump() {
	for {
		synctest.Wait()
		select {
		case a := <-w.came:
			if ch, ok := a.event.(*transport.Chunk); ok {
				w.deliver(a.link, ch)
			}
		default:
			return
		}
	}
}

func (w *severalLinks) deliver(l *link, ch *transport.Chunk) {
	m := messages.NewDeliver(ch, 0, len(ch.B), 1)
	ch.Release()
	if w.out.defers(delivery{link: l, bytes: m}) {
		return
	}
	for d, ok := (delivery{link: l, bytes: m}), true; ok; d, ok = w.out.next() {
		w.out.relay(relaying{}, d.link, d.bytes)
		d.bytes.Done()
	}
}

// frames are what the client has received, which has to be whole frames.
func (w *severalLinks) frames(t *testing.T) (all []*codec.Command) {
	b := w.client.Bytes()
	for len(b) > 0 {
		p, err := codec.ReadPrefix(b, codec.Limits{})
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(b), p.Size, "the last frame is whole")
		c, _, err := codec.Decode(b[:p.Size], codec.Limits{})
		require.NoError(t, err)
		all = append(all, c)
		b = b[p.Size:]
	}
	return all
}

// Frames of three links, cut anywhere, with replies of ours in between, reach the client whole, and those of each link
// in their order.
func TestLinksShareTheStreamAtFrameBoundaries(t *testing.T) {
	for seed := range uint64(20) {
		withLinks(t, 3, func(t *testing.T, w *severalLinks) {
			random := rand.New(rand.NewPCG(seed, 1))
			const each = 40
			for i, far := range w.far {
				var stream []byte
				for n := range each {
					c := &codec.Command{Flag: codec.FlagResponse, Opaque: int32(n), Remark: fmt.Sprint(i), Body: bytes.Repeat([]byte{byte(i)}, random.IntN(3000))}
					stream = c.Append(stream, codec.JSON)
				}
				sizes := rand.New(rand.NewPCG(seed, uint64(i)+2))
				go func() {
					for len(stream) > 0 {
						n := min(1+sizes.IntN(2000), len(stream))
						if _, err := far.Write(stream[:n]); err != nil {
							return
						}
						stream = stream[n:]
					}
				}()
			}
			reply := (&codec.Command{Flag: codec.FlagResponse, Remark: "ours"}).Append(nil, codec.JSON)
			for range 10 {
				w.out.reply(bytes.Clone(reply))
				w.pump()
			}
			require.True(t, w.out.between())
			seen := map[string]int32{}
			for _, c := range w.frames(t) {
				if c.Remark != "ours" {
					require.Equal(t, seen[c.Remark], c.Opaque, "in order")
				}
				for _, b := range c.Body {
					require.Equal(t, c.Remark, fmt.Sprint(b))
				}
				seen[c.Remark]++
			}
			require.Equal(t, map[string]int32{"0": each, "1": each, "2": each, "ours": 10}, seen)
		})
	}
}

// While one link is in the middle of a frame, what the others bring waits with its references: they are read until
// their windows are full, and go on when the frame has ended.
func TestLinksThatWaitAreNotRead(t *testing.T) {
	withLinks(t, 3, func(t *testing.T, w *severalLinks) {
		slow := (&codec.Command{Flag: codec.FlagResponse, Remark: "slow", Body: make([]byte, 5000)}).Append(nil, codec.JSON)
		w.far[0].Write(slow[:1000])
		w.pump()
		require.Same(t, w.links[0], w.out.current)
		fast := (&codec.Command{Flag: codec.FlagResponse, Remark: "fast", Body: make([]byte, 5000)}).Append(nil, codec.JSON)
		var written [3]int
		for i, far := range w.far[1:] {
			go func() {
				for range 100 {
					n, err := far.Write(fast)
					written[i+1] += n
					if err != nil {
						return
					}
				}
			}()
		}
		w.pump()
		require.Less(t, written[1], 3*64<<10, "it is not read any further")
		require.Less(t, written[2], 3*64<<10)
		require.Equal(t, 1000, w.client.Len(), "nobody writes into the frame of another")
		w.far[0].Write(slow[1000:])
		w.pump()
		require.Equal(t, 100*len(fast), written[1])
		require.Equal(t, 100*len(fast), written[2])
		require.Len(t, w.frames(t), 201)
		require.True(t, w.out.between())
	})
}

// The word that a link is lost does not overtake what it brought before.
func TestLossWaitsForWhatCameBefore(t *testing.T) {
	a, b := &link{}, &link{}
	o := outbound{sock: &recorder{}, current: a}
	lost := &messages.Lost{}
	require.True(t, o.defers(delivery{link: b, bytes: &messages.Deliver{}}))
	require.True(t, o.defers(delivery{link: b, lost: lost}))
	require.False(t, o.defers(delivery{link: a, lost: lost}))
	_, ok := o.next()
	require.False(t, ok, "the stream is another's")
	o.lose(a)
	first, ok := o.next()
	require.True(t, ok)
	require.NotNil(t, first.bytes)
	second, ok := o.next()
	require.True(t, ok)
	require.Same(t, lost, second.lost)
}
