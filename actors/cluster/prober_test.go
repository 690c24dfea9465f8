package cluster_test

import (
	"bufio"
	"crypto/tls"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
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
func tlsTest(t *testing.T, test func(t *testing.T, s *proxytest.Sim, right, wrong tls.Certificate)) {
	t.Helper()
	proxytest.InVirtualTime(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		ca := testca.New(t)
		right := ca.Certificate(t, "mq")
		s.Cluster().Upstream = transport.UpstreamHandshake{
			HandshakeTimeout: time.Second,
			TLS:              func() *tls.Config { return &tls.Config{RootCAs: ca.Pool, ServerName: "mq"} },
		}
		s.StartNameServer(0, proxytest.OnlyA).Handshake(under(right))
		test(t, s, right, testca.New(t).Certificate(t, "mq"))
	})
}

// A broker that accepts and whose certificate is wrong is of no use to new clients: it is away until that is put right.
func TestBrokerWithAWrongCertificateIsAway(t *testing.T) {
	tlsTest(t, func(t *testing.T, s *proxytest.Sim, right, wrong tls.Certificate) {
		a := s.StartBroker(proxytest.AddressA)
		a.Handshake(under(right))
		s.Start()
		port := s.Port(proxytest.BrokerA)
		before := s.Dial(port)
		require.Equal(t, codec.ResSuccess, before.Call(proxytest.PullRequest(0)).Code)

		a.Handshake(under(wrong))
		require.Equal(t, codec.ResServiceNotAvailable, s.Dial(port).Call(proxytest.PullRequest(0)).Code)
		time.Sleep(2 * time.Second)
		require.True(t, s.Refuses(port))
		lines := s.Log.Lines("broker unreachable")
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "cannot secure the connection (cluster.tls): tls: failed to verify certificate")
		time.Sleep(40 * time.Second)
		require.True(t, s.Refuses(port), "that it accepts does not help")
		require.Empty(t, s.Log.Lines("broker still unreachable"))
		require.Equal(t, codec.ResSuccess, before.Call(proxytest.PullRequest(0)).Code, "who is connected is not concerned")

		a.Handshake(under(right))
		time.Sleep(4 * time.Second)
		require.False(t, s.Refuses(port))
		require.Len(t, s.Log.Lines("broker recovered"), 1)
		require.Equal(t, codec.ResSuccess, s.Dial(port).Call(proxytest.PullRequest(0)).Code)
	})
}

// Why it is away may change while it is.
func TestBrokerThatIsRestartedWithAWrongCertificateIsTold(t *testing.T) {
	tlsTest(t, func(t *testing.T, s *proxytest.Sim, right, wrong tls.Certificate) {
		a := s.StartBroker(proxytest.AddressA)
		s.Start()
		a.Crash()
		require.Equal(t, codec.ResServiceNotAvailable, s.Dial(s.Port(proxytest.BrokerA)).Call(proxytest.PullRequest(0)).Code)
		require.Len(t, s.Log.Lines("level=WARN", "connection refused"), 1)
		a.Handshake(under(wrong))
		a.Restart()
		time.Sleep(time.Minute)
		lines := s.Log.Lines("broker still unreachable")
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "failed to verify certificate")
	})
}

// A broker that wants a PROXY header gets one from the prober too: it says that nobody is behind the connection.
func TestProberSendsAPROXYHeader(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		s.Cluster().Upstream = transport.UpstreamHandshake{SendProxy: true}
		s.StartNameServer(0, proxytest.OnlyA)
		a := s.StartBroker(proxytest.AddressA)
		s.Start()
		a.Crash()
		require.Equal(t, codec.ResServiceNotAvailable, s.Dial(s.Port(proxytest.BrokerA)).Call(proxytest.PullRequest(0)).Code)
		heads := make(chan *proxyproto.Header, 10)
		a.Handshake(func(nc net.Conn) net.Conn {
			h, err := proxyproto.Read(bufio.NewReader(nc))
			require.NoError(t, err)
			heads <- h
			return nc
		})
		a.Restart()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Len(t, heads, 1)
		require.True(t, (<-heads).Command.IsLocal())
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)))
	})
}

// A client that could not be connected to a broker that the prober finds well is told of: nothing else would.
func TestBrokerThatFailsOneConnectionIsThere(t *testing.T) {
	tlsTest(t, func(t *testing.T, s *proxytest.Sim, right, wrong tls.Certificate) {
		a := s.StartBroker(proxytest.AddressA)
		var once sync.Once
		a.Handshake(func(nc net.Conn) net.Conn {
			certificate := right
			once.Do(func() { certificate = wrong })
			return under(certificate)(nc)
		})
		s.Start()
		require.Equal(t, codec.ResServiceNotAvailable, s.Dial(s.Port(proxytest.BrokerA)).Call(proxytest.PullRequest(0)).Code)
		time.Sleep(2 * time.Second)
		lines := s.Log.Lines("cannot connect client to reachable broker")
		require.Len(t, lines, 1)
		require.Contains(t, lines[0], "failed to verify certificate")
		require.False(t, s.Refuses(s.Port(proxytest.BrokerA)))
		require.Empty(t, s.Log.Lines("broker unreachable"))
	})
}

// Probes that fail for want of descriptors go on each second, for each broker: the log says so now and then.
func TestProbesThatFailOnThisMachineAreSampledInTheLog(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		s.StartNameServer(0, proxytest.OnlyA)
		s.StartBroker(proxytest.AddressA)
		s.Start()
		s.Network.Fail(proxytest.AddressA, syscall.EMFILE)
		require.Equal(t, codec.ResServiceNotAvailable, s.Dial(s.Port(proxytest.BrokerA)).Call(proxytest.PullRequest(0)).Code)
		time.Sleep(25 * time.Second)
		lines := s.Log.Lines("cannot probe broker")
		require.Len(t, lines, 3, "one in 10 s")
		require.Contains(t, lines[2], "suppressed=")
	})
}
