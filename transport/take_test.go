package transport_test

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// taker takes the socket of a connection when its peer speaks another protocol.
type taker struct {
	took  chan net.Conn
	ended chan error
}

func (s *taker) Deliver(event any) {
	switch m := event.(type) {
	case *transport.Chunk:
		if m.Err != nil {
			nc, err := transport.Take(m.Conn, m.Beyond)
			if err != nil {
				s.ended <- err
			}
			s.took <- nc
		}
		m.Release()
	case *transport.Closed:
		s.ended <- m.Err
	}
}

func TestASocketWhosePeerSpeaksAnotherProtocolCanBeTaken(t *testing.T) {
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	each(t, options{}, func(t *testing.T, w *fixture) {
		sink := &taker{make(chan net.Conn, 1), make(chan error, 1)}
		c, peer := w.accept(sink)
		for _, piece := range []string{preface[:5], preface[5:], " and more"} { // the first one alone tells nothing
			_, err := io.WriteString(peer, piece)
			require.NoError(t, err)
		}
		nc := await(t, sink.took)
		defer nc.Close()
		var malformed *codec.FrameError
		require.ErrorAs(t, await(t, sink.ended), &malformed)
		require.Equal(t, codec.LooksLikeGRPC, malformed.LooksLike)
		on(c, c.Close)
		got := make([]byte, len(preface)+len(" and more"))
		_, err := io.ReadFull(nc, got)
		require.NoError(t, err)
		require.Equal(t, preface+" and more", string(got))
		require.Equal(t, peer.LocalAddr().String(), nc.RemoteAddr().String())
		require.Equal(t, peer.RemoteAddr().String(), nc.LocalAddr().String())
		_, err = io.WriteString(nc, "answer")
		require.NoError(t, err)
		got = make([]byte, len("answer"))
		_, err = io.ReadFull(peer, got)
		require.NoError(t, err)
		require.Equal(t, "answer", string(got))
	})
}

// slowTaker takes the socket after the delivery, as an actor with a mailbox does.
type slowTaker struct {
	taker
	take chan struct{} // may be closed
}

func (s *slowTaker) Deliver(event any) {
	if m, ok := event.(*transport.Chunk); ok {
		go func() {
			<-s.take
			s.taker.Deliver(m)
		}()
		return
	}
	s.taker.Deliver(event)
}

func TestASocketIsThereToBeTakenUntilItsChunkIsReleased(t *testing.T) {
	w := &fixture{makers["goroutines"](t, options{}), t}
	sink := &slowTaker{taker{make(chan net.Conn, 1), make(chan error, 1)}, make(chan struct{})}
	c, peer := w.accept(sink)
	_, err := io.WriteString(peer, "PRI * HTTP/2.0\r\n")
	require.NoError(t, err)
	select {
	case err := <-sink.ended:
		require.NoError(t, err, "it ended before")
	case <-time.After(50 * time.Millisecond):
	}
	close(sink.take)
	await(t, sink.took).Close()
	require.Error(t, await(t, sink.ended))
	c.Close()
}
