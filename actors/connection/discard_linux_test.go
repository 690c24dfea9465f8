package connection_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
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
	r := proxytest.Start(t, oneLoop, proxytest.Options{Limits: smallLimits})
	good := proxytest.Frame(&codec.Command{Code: codec.ReqSendMessage, Opaque: 9, Flag: codec.FlagOneway, Body: make([]byte, 1000)})
	for range 20 {
		client, _ := r.Pinned()
		client.Write(append(good, proxytest.Prefix(-1, 0, "bad")...))
		client.Ends()
	}
	r.Settle(20)
	held := func() int64 { bytes, _ := r.Env.Transport.Buffered(); return bytes }
	r.Until("nothing is held", func() bool { return held() == 0 })
}

// Requests that come behind the order to end are not begun: nobody would end them.
func TestNothingIsBegunOnAConnectionThatEnds(t *testing.T) {
	t.Parallel()
	r := proxytest.Start(t, oneLoop, proxytest.Options{})
	client, broker := r.Pinned()
	client.Works(broker)
	id := r.Actors("connection")[0]
	r.Until("it has been counted", func() bool { return r.Stat("response_success") == 1 })

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
	r.Env.Transport.Executors()[0].Schedule(func() {
		pid := r.Env.System.NewLocalPID(id)
		r.Env.System.Root.Send(pid, &messages.LetGo{})
		r.Env.System.Root.Send(pid, ch)
	})
	client.Ends()
	r.Settle(1)
	r.GaugesAreZero()
}
