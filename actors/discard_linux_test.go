package actors_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// oneLoop is a single event loop, with a budget so small that its books are exact.
func oneLoop(t testing.TB, limits codec.Limits, window int) transport.Transport {
	loops, err := transport.NewLoops(1, limits, window, 8, 0)
	require.NoError(t, err)
	t.Cleanup(loops.Close)
	return loops
}

// What lies in the mailbox of an actor that ends must be given back like everything else: bytes that nobody gives back
// would count against limits.buffer_total for good.
func TestEndedActorsGiveBackWhatTheyHaveNotRead(t *testing.T) {
	t.Parallel()
	r := start(t, oneLoop, options{limits: smallLimits})
	good := frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 9, Flag: codec.FlagOneway, Body: make([]byte, 1000)})
	for range 20 {
		client, _ := r.pinned()
		client.write(append(good, prefixed(-1, 0, "bad")...))
		client.ends()
	}
	r.settle(20)
	held := func() int64 { bytes, _ := r.env.Transport.Buffered(); return bytes }
	r.until("nothing is held", func() bool { return held() == 0 })
}

// Requests that come behind the order to end are not begun: nobody would end them.
func TestNothingIsBegunOnAConnectionThatEnds(t *testing.T) {
	t.Parallel()
	r := start(t, oneLoop, options{})
	client, broker := r.pinned()
	client.open(broker)
	id := r.actors("connection")[0]
	r.until("it has been counted", func() bool { return r.stat("response_success") == 1 })

	var b []byte
	for i := range 10 {
		b = (&codec.Command{Code: codec.ReqPullMessage, Opaque: int32(100 + i)}).Append(b, codec.JSON)
	}
	var split codec.Splitter
	frames, used, err := split.Split(b, nil)
	require.NoError(t, err)
	require.Equal(t, len(b), used)
	ch := &transport.Chunk{B: b, Frames: frames}
	ch.Retain()
	ch.Retain() // it has no socket to go back to
	r.env.Transport.Executors()[0].Schedule(func() {
		pid := r.env.System.NewLocalPID(id)
		r.env.System.Root.Send(pid, &messages.LetGo{})
		r.env.System.Root.Send(pid, ch)
	})
	client.ends()
	r.settle(1)
	r.gaugesAreZero()
}
