package transport_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// relay is two connections of the transport that write to each other what they read, as a client's and its broker's.
type relay struct {
	down, up               transport.Conn
	client, broker         net.Conn
	fromClient, fromBroker *recordingSink
}

func newRelay(t testing.TB, w *fixture) *relay {
	r := &relay{fromClient: newRecordingSink(), fromBroker: newRecordingSink()}
	ln := server(t)
	r.fromClient.to = func() transport.Conn { return r.up }
	r.fromBroker.to = func() transport.Conn { return r.down }
	down, client := w.accepted()
	r.down, r.client = down, client
	on(down, func() {
		r.up = w.Dial(ln.Addr().String(), transport.DownstreamOf(down), r.fromBroker)
		down.Start(r.fromClient)
	})
	t.Cleanup(func() { on(r.up, r.up.Close) })
	r.broker = acceptOne(t, ln)
	return r
}

// talk writes stream to nc in pieces of random sizes, with pauses.
func talk(nc net.Conn, stream []byte, random *rand.Rand) error {
	for len(stream) > 0 {
		n := min(1+random.IntN(1<<random.IntN(19)), len(stream))
		if _, err := nc.Write(stream[:n]); err != nil {
			return err
		}
		stream = stream[n:]
		if random.IntN(8) == 0 {
			time.Sleep(time.Duration(random.IntN(300)) * time.Microsecond)
		}
	}
	return nil
}

// listen reads as much as want from nc, in pieces of random sizes, with pauses, and compares.
func listen(nc net.Conn, want []byte, random *rand.Rand) error {
	if err := nc.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	buf := make([]byte, 1<<19)
	for got := 0; got < len(want); {
		n, err := nc.Read(buf[:1+random.IntN(1<<random.IntN(20))])
		if err != nil {
			return fmt.Errorf("after %d of %d bytes: %w", got, len(want), err)
		}
		if !bytes.Equal(buf[:n], want[got:got+n]) {
			return fmt.Errorf("other bytes than were sent, between %d and %d", got, got+n)
		}
		got += n
		if random.IntN(8) == 0 {
			time.Sleep(time.Duration(random.IntN(1000)) * time.Microsecond)
		}
	}
	return nil
}

// babble is a stream of frames of random sizes: most are small, some much larger than windows.
func babble(random *rand.Rand) (stream []byte) {
	for i := int32(0); len(stream) < 3<<20; i++ {
		stream = append(stream, frame(i, random.IntN(1<<random.IntN(20)))...)
	}
	return stream
}

// Whatever is sent, read and left lying at whatever pace arrives as it was sent, in both directions at a time, and all
// windows are whole afterwards.
func TestRelayAtRandom(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			each(t, options{window: 16 << 10 << (2 * seed)}, func(t *testing.T, w *fixture) {
				random := func(side uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, side)) }
				r := newRelay(t, w)
				up, down := babble(random(1)), babble(random(2))
				ends := make(chan error, 4)
				go func() { ends <- talk(r.client, up, random(3)) }()
				go func() { ends <- talk(r.broker, down, random(4)) }()
				go func() { ends <- listen(r.broker, up, random(5)) }()
				go func() { ends <- listen(r.client, down, random(6)) }()
				for range cap(ends) {
					require.NoError(t, <-ends)
				}
				for _, c := range []transport.Conn{r.down, r.up} {
					require.Eventually(t, func() bool { return transport.Handed(c) == 0 }, patience, time.Millisecond)
				}
				require.Empty(t, r.fromClient.snapshot().wrong)
				require.Empty(t, r.fromBroker.snapshot().wrong)
			})
		})
	}
}

// A broker that does not read makes its client's socket stop being read; nothing is dropped, and what waits is bounded.
func TestSlowBrokerStopsItsClient(t *testing.T) {
	const window = 64 << 10
	each(t, options{window: window}, func(t *testing.T, w *fixture) {
		r := newRelay(t, w)
		stream := frames(10_000, 2000)
		require.NoError(t, r.client.SetWriteDeadline(time.Now().Add(300*time.Millisecond)))
		n, err := r.client.Write(stream)
		require.Error(t, err, "sockets do not take 20 MB")
		on(r.up, func() { require.LessOrEqual(t, r.up.Kept(), window+128<<10) })
		require.NoError(t, r.client.SetWriteDeadline(time.Time{}))
		sent := send(r.client, stream[n:])
		require.True(t, bytes.Equal(stream, receive(t, r.broker, len(stream))))
		require.NoError(t, <-sent)
	})
}

// BenchmarkRelay is a request passed on and its answer passed back, one at a time: what the transport itself costs.
func BenchmarkRelay(b *testing.B) {
	request, answer := frame(1, 256), frame(2, 64)
	for name := range makers {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := newRelay(b, &fixture{makers[name](b, options{}), b})
			got := make([]byte, len(request))
			for b.Loop() {
				r.client.Write(request)
				io.ReadFull(r.broker, got)
				r.broker.Write(answer)
				io.ReadFull(r.client, got[:len(answer)])
			}
		})
	}
}
