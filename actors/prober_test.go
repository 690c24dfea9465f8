package actors_test

import (
	"bufio"
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// under has a server speak TLS with new connections from now on.
func under(certificate tls.Certificate) func(net.Conn) net.Conn {
	return func(nc net.Conn) net.Conn {
		return tls.Server(nc, &tls.Config{Certificates: []tls.Certificate{certificate}})
	}
}

// tlsTest is a proxy that trusts a certificate authority, and a name server. right is a certificate of that authority,
// wrong is of another one. A handshake that fails on a pipe lasts until its time-out: both ends write, and none reads.
func tlsTest(t *testing.T, test func(t *testing.T, w *world, right, wrong tls.Certificate)) {
	t.Helper()
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ca := testca.New(t)
		right := ca.Certificate(t, "mq")
		w.dir.Upstream = transport.UpstreamHandshake{
			HandshakeTimeout: time.Second,
			TLS:              func() *tls.Config { return &tls.Config{RootCAs: ca.Pool, ServerName: "mq"} },
		}
		w.nameServerOf(0, onlyA).admits(under(right))
		test(t, w, right, testca.New(t).Certificate(t, "mq"))
	})
}

// A broker that accepts and whose certificate is wrong is of no use to new clients: it is away until that is put right.
func TestBrokerWithAWrongCertificateIsAway(t *testing.T) {
	tlsTest(t, func(t *testing.T, w *world, right, wrong tls.Certificate) {
		a := w.serve(addressA)
		a.admits(under(right))
		w.start()
		port := w.port(idA)
		before := w.connect(port)
		require.Equal(t, codec.ResSuccess, before.ask(pull()))

		a.admits(under(wrong))
		require.Equal(t, codec.ResServiceNotAvailable, w.connect(port).ask(pull()))
		time.Sleep(2 * time.Second)
		require.True(t, w.refused(port))
		lines := w.log.Lines("broker unreachable")
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "cannot secure the connection (cluster.tls): tls: failed to verify certificate")
		time.Sleep(40 * time.Second)
		require.True(t, w.refused(port), "that it accepts does not help")
		require.Empty(t, w.log.Lines("broker still unreachable"))
		require.Equal(t, codec.ResSuccess, before.ask(pull()), "who is connected is not concerned")

		a.admits(under(right))
		time.Sleep(4 * time.Second)
		require.False(t, w.refused(port))
		require.Len(t, w.log.Lines("broker recovered"), 1)
		require.Equal(t, codec.ResSuccess, w.connect(port).ask(pull()))
	})
}

// Why it is away may change while it is.
func TestBrokerThatIsRestartedWithAWrongCertificateIsTold(t *testing.T) {
	tlsTest(t, func(t *testing.T, w *world, right, wrong tls.Certificate) {
		a := w.serve(addressA)
		w.start()
		a.stop()
		require.Equal(t, codec.ResServiceNotAvailable, w.connect(w.port(idA)).ask(pull()))
		require.Len(t, w.log.Lines("connection refused"), 1)
		a.admits(under(wrong))
		a.restart()
		time.Sleep(time.Minute)
		lines := w.log.Lines("broker still unreachable")
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "failed to verify certificate")
	})
}

// A broker that wants a PROXY header gets one from the prober too: it says that nobody is behind the connection.
func TestProberSendsAPROXYHeader(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		w.dir.Upstream = transport.UpstreamHandshake{SendProxy: true}
		w.nameServerOf(0, onlyA)
		a := w.serve(addressA)
		w.start()
		a.stop()
		require.Equal(t, codec.ResServiceNotAvailable, w.connect(w.port(idA)).ask(pull()))
		heads := make(chan *proxyproto.Header, 10)
		a.admits(func(nc net.Conn) net.Conn {
			h, err := proxyproto.Read(bufio.NewReader(nc))
			require.NoError(t, err)
			heads <- h
			return nc
		})
		a.restart()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, heads, 1)
		require.True(t, (<-heads).Command.IsLocal())
		require.False(t, w.refused(w.port(idA)))
	})
}

// A client that could not be connected to a broker that the prober finds well is told of: nothing else would.
func TestBrokerThatFailsOneConnectionIsThere(t *testing.T) {
	tlsTest(t, func(t *testing.T, w *world, right, wrong tls.Certificate) {
		a := w.serve(addressA)
		var once sync.Once
		a.admits(func(nc net.Conn) net.Conn {
			certificate := right
			once.Do(func() { certificate = wrong })
			return under(certificate)(nc)
		})
		w.start()
		require.Equal(t, codec.ResServiceNotAvailable, w.connect(w.port(idA)).ask(pull()))
		time.Sleep(2 * time.Second)
		lines := w.log.Lines("cannot connect client to reachable broker")
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "failed to verify certificate")
		require.False(t, w.refused(w.port(idA)))
		require.Empty(t, w.log.Lines("broker unreachable"))
	})
}
