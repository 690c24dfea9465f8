package actors_test

import (
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// pipes is a network in memory with a name server at 10.0.1.1:9876 and a broker at 10.0.0.1:10911.
type pipes struct {
	*virtual
	rig *proxytest.Real
}

const pipesNameServer = "10.0.1.1:9876"

func newPipes(t *testing.T, broker func(c *codec.Command) *codec.Command) *pipes {
	t.Helper()
	p := &pipes{virtual: newVirtual()}
	require.NoError(t, p.serve(pipesNameServer, func(nc net.Conn) { go serveConn(nc, proxytest.Knows("10.0.0.1:10911")) }))
	require.NoError(t, p.serve("10.0.0.1:10911", func(nc net.Conn) { go serveConn(nc, broker) }))
	t.Cleanup(p.close)
	return p
}

// dialPort connects a client to a port of the proxy: 0 is broker-a's, 1 the name-server port.
func (p *pipes) dialPort(i int) net.Conn {
	p.rig.T.Helper()
	address := p.rig.NameServer()
	if i == 0 {
		address = p.rig.Port(proxytest.BrokerA)
	}
	nc, err := p.dial(context.Background(), "tcp", address)
	require.NoError(p.rig.T, err)
	return nc
}

// inTime runs a test of a proxy in virtual time.
func inTime(t *testing.T, broker func(c *codec.Command) *codec.Command, test func(t *testing.T, r *proxytest.Real, p *pipes)) {
	synctest.Test(t, func(t *testing.T) {
		t.Cleanup(func() { time.Sleep(time.Minute) }) // timers of the library end by themselves
		p := newPipes(t, broker)
		r := proxytest.Launch(t, func(testing.TB, codec.Limits, int) transport.Transport { return p }, proxytest.Options{NameServers: []string{pipesNameServer}})
		r.UntilOpen()
		p.rig = r
		test(t, r, p)
	})
}

// ended says when a connection was closed.
func ended(nc net.Conn) <-chan time.Time {
	at := make(chan time.Time, 1)
	go func() {
		io.Copy(io.Discard, nc)
		at <- time.Now()
	}()
	return at
}

func TestSilentConnectionsAreClosed(t *testing.T) {
	for port, name := range []string{"broker", "name server"} {
		t.Run(name, func(t *testing.T) {
			inTime(t, proxytest.Echo, func(t *testing.T, r *proxytest.Real, p *pipes) {
				begun := time.Now()
				never := ended(p.dialPort(port)) // not a byte
				half := p.dialPort(port)         // three bytes of a frame
				halfEnd := ended(half)
				half.Write([]byte{0, 0, 0})
				f := func(end <-chan time.Time, patience time.Duration, setting string) {
					t.Helper()
					silent := (<-end).Sub(begun)
					require.GreaterOrEqual(t, silent, patience)
					require.LessOrEqual(t, silent, patience+2*5*time.Second, "ticks come every 5 s")
					r.Until("it is logged", func() bool { return len(r.Log.Lines(setting)) > 0 })
				}
				f(halfEnd, 10*time.Second, "timeouts.header")
				f(never, 30*time.Second, "timeouts.first_byte")
				r.Settle(2)
			})
		})
	}
}

func TestTrafficKeepsAConnection(t *testing.T) {
	inTime(t, proxytest.Echo, func(t *testing.T, r *proxytest.Real, p *pipes) {
		client := p.dialPort(0)
		end := ended(client)
		for range 5 {
			client.Write(proxytest.Frame(&codec.Command{Code: codec.ReqGetMaxOffset, Opaque: 1}))
			time.Sleep(100 * time.Second)
			require.Empty(t, end)
		}
		client.Close()
		r.Settle(1)
		require.Equal(t, 5, r.Stat("response_success"))
	})
}

// A client that has nothing in flight keeps no request actors: none for a single request, and none when it is idle.
func TestIdleClientsKeepNoRequestActors(t *testing.T) {
	inTime(t, proxytest.Echo, func(t *testing.T, r *proxytest.Real, p *pipes) {
		client := p.dialPort(0)
		defer client.Close()
		ended(client)
		for n, kept := range []int{0, 1, 1} {
			client.Write(proxytest.Frame(&codec.Command{Code: codec.ReqGetMaxOffset, Opaque: 1}))
			synctest.Wait()
			require.Len(t, r.Actors("request"), kept, "after request %d", n+1)
		}
		time.Sleep(15 * time.Second)
		require.Empty(t, r.Actors("request"))
		client.Write(proxytest.Frame(&codec.Command{Code: codec.ReqGetMaxOffset, Opaque: 1}))
		r.Until("the next one is answered", func() bool { return r.Stat("response_success") == 4 })
		require.Empty(t, r.Actors("request"))
	})
}

// The Go client sends END_TRANSACTION as if it had an answer, and a broker has none for the state "unknown": that must
// not count as active for ever. Other requests may wait for as long as a long poll, and more.
func TestRequestsThatNobodyAnswersAreForgotten(t *testing.T) {
	mute := func(c *codec.Command) *codec.Command {
		if c.Code == codec.ReqHeartBeat {
			return proxytest.Echo(c)
		}
		return nil
	}
	inTime(t, mute, func(t *testing.T, r *proxytest.Real, p *pipes) {
		client := p.dialPort(0)
		end := ended(client)
		client.Write(proxytest.Frame(&codec.Command{Code: codec.ReqEndTransaction, Opaque: 1}))
		client.Write(proxytest.Frame(&codec.Command{Code: codec.ReqPullMessage, Opaque: 2}))
		time.Sleep(14 * time.Second)
		require.Equal(t, 2, r.Stat("request_active"))
		time.Sleep(8 * time.Second)
		require.Equal(t, 1, r.Stat("request_active"), "the pull")
		require.Equal(t, 1, r.Stat("response_error"))
		for range 7 {
			client.Write(proxytest.Frame(&codec.Command{Code: codec.ReqHeartBeat, Opaque: 3, Body: []byte(proxytest.FullHeartbeat)}))
			time.Sleep(100 * time.Second)
		}
		require.Zero(t, r.Stat("request_active"), "nobody polls for ten minutes")
		require.Equal(t, 2, r.Stat("response_error"))
		require.Empty(t, end, "the client is kept")
		client.Close()
		r.Settle(1)
		r.GaugesAreZero()
	})
}
