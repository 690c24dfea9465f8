package actors_test

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

const (
	officePort       = "10.0.0.1:9876"
	officeBrokerPort = "10.0.0.1:20000"
	branchPort       = "10.0.0.2:9876"
	branchBrokerPort = "10.0.0.2:20000"
)

// While all permits are taken every port of the listener refuses; when one is free again it opens.
func TestConnectionsPerListener(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{ConnectionsPerListener: 3}, Listeners: []string{"office", "branch"}}, func(t *testing.T, l *proxytest.Sim) {
		one, two := l.Dial(officePort), l.Dial(officeBrokerPort)
		require.False(t, l.Refuses(officePort))
		three := l.Dial(officeBrokerPort)
		require.True(t, l.Refuses(officePort))
		require.True(t, l.Refuses(officeBrokerPort))
		require.False(t, l.Refuses(branchPort), "another listener")
		require.Equal(t, 1, l.Rejections("office", "connections_per_listener"))
		require.Equal(t, 1, l.Metric(`rocketmq_proxy_listener_full{listener="office"}`))

		late := l.DialFrom(officeBrokerPort, "198.51.100.7:1") // was in the queue when the port was paused
		require.False(t, late.Open())
		require.Equal(t, 2, l.Rejections("office", "connections_per_listener"))

		two.Close()
		synctest.Wait()
		require.False(t, l.Refuses(officePort))
		require.False(t, l.Refuses(officeBrokerPort))
		require.Equal(t, 0, l.Metric(`rocketmq_proxy_listener_full{listener="office"}`))
		l.Dial(officeBrokerPort)
		require.True(t, l.Refuses(officePort))
		require.True(t, one.Open())
		require.True(t, three.Open())
	})
}

// An address has its number of connections; others are not concerned, and a connection that ends makes room.
func TestConnectionsPerAddress(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{ConnectionsPerAddress: 2}}, func(t *testing.T, l *proxytest.Sim) {
		in := func(from string, want bool) *proxytest.Client {
			t.Helper()
			c := l.DialFrom(officePort, from)
			require.Equal(t, want, c.Open(), from)
			return c
		}
		first := in("198.51.100.7:1", true)
		in("198.51.100.7:2", true)
		in("198.51.100.7:3", false)
		in("198.51.100.8:1", true)
		first.Close()
		synctest.Wait()
		in("198.51.100.7:4", true)
		in("198.51.100.7:5", false)
		in("[2001:db8:1:2::1]:1", true)
		in("[2001:db8:1:2:3::9]:1", true)
		in("[2001:db8:1:2:4::9]:1", false) // the same /64
		in("[2001:db8:1:3::1]:1", true)
		require.Equal(t, 3, l.Rejections("office", "connections_per_address"))
	})
}

// However many are rejected, a line each 10 s tells it, with the number of the others.
func TestRejectionsAreLoggedAtABoundedRate(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{ConnectionsPerAddress: 1}}, func(t *testing.T, l *proxytest.Sim) {
		l.Dial(officePort)
		for range 50 {
			l.DialFrom(officePort, "198.51.100.7:1")
		}
		require.Len(t, l.Log.Lines("limits.connections_per_address"), 1)
		time.Sleep(16 * time.Second)
		lines := l.Log.Lines("limits.connections_per_address")
		require.Len(t, lines, 2)
		require.NotContains(t, lines[0], "suppressed")
		require.Contains(t, lines[1], "suppressed=48")
		time.Sleep(time.Minute)
		require.Len(t, l.Log.Lines("limits.connections_per_address"), 2)
		require.Equal(t, 50, l.Rejections("office", "connections_per_address"))
	})
}

// What a handshake rejects is told in the same way, with the reason of the last one.
func TestRejectionsOfHandshakesAreLoggedAtABoundedRate(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
		require.Equal(t, 0, l.Rejections("office", transport.RejectedPlain))
		refused := l.Env.Rejected("office")
		for i := range 50 {
			refused(transport.Rejection{Reason: transport.RejectedPlain, Remote: netip.MustParseAddrPort("198.51.100.7:1"), Err: fmt.Errorf("no %d", i)})
		}
		refused(transport.Rejection{Reason: transport.RejectedTimeout, Err: io.EOF})
		time.Sleep(time.Minute)
		lines := l.Log.Lines(`msg="connection rejected before its first frame" listener=office client=198.51.100.7:1 reason=tls_required`)
		require.Len(t, lines, 2)
		require.Contains(t, lines[0], `error="no 0"`)
		require.NotContains(t, lines[0], "suppressed")
		require.Contains(t, lines[1], `error="no 49" suppressed=48`)
		require.Len(t, l.Log.Lines("reason=handshake_timeout"), 1)
		require.Equal(t, 50, l.Rejections("office", transport.RejectedPlain))
	})
}

// A client that never sends anything is cut off; one that has sent something may be idle.
func TestFirstByteTimeout(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
		mute, client := l.Dial(officePort), l.Dial(officeBrokerPort)
		client.WriteFrames(pullOf(1))
		time.Sleep(29 * time.Second)
		require.True(t, mute.Open())
		time.Sleep(6 * time.Second)
		require.False(t, mute.Open())
		require.True(t, client.Open())
		require.Equal(t, 1, l.Rejections("office", "first_byte"))
		require.Len(t, l.Log.Lines("level=WARN", "timeouts.first_byte"), 1)

		time.Sleep(80 * time.Second)
		require.True(t, client.Open())
		time.Sleep(15 * time.Second)
		require.False(t, client.Open())
		require.Equal(t, 1, l.Rejections("office", "idle"))
	})
}

// A header must become whole; that the client has sent others before does not help it.
func TestHeaderTimeout(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
		fresh, old, busy := l.Dial(officePort), l.Dial(officeBrokerPort), l.Dial(officeBrokerPort)
		frame := pullOf(1).Append(nil, codec.JSON)
		fresh.Write(frame[:3])
		old.Write(append(bytes.Clone(frame), frame[:20]...))
		busy.Write(frame[:20])
		for range 10 { // each header becomes whole, and another one begins
			time.Sleep(4 * time.Second)
			busy.Write(append(bytes.Clone(frame[20:]), frame[:20]...))
		}
		require.False(t, fresh.Open())
		require.False(t, old.Open())
		require.True(t, busy.Open())
		require.Equal(t, 2, l.Rejections("office", "header"))
	})
}

// Dribbling does not make a header whole.
func TestHeaderTimeoutOfASlowLoris(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
		loris := l.Dial(officePort)
		frame := pullOf(1).Append(nil, codec.JSON)
		sent := 0
		for ; loris.Open() && sent < len(frame)-1; sent++ {
			loris.Write(frame[sent : sent+1])
			time.Sleep(time.Second)
		}
		require.False(t, loris.Open())
		require.Less(t, sent, 17)
	})
}

// bigAnswer answers a pull with a body of so many bytes.
func bigAnswer(opaque int32, size int) *codec.Command {
	a := answerTo(opaque)
	a.Body = make([]byte, size)
	return a
}

// A client that takes nothing of its answer is cut off; one that takes a little now and then is not.
func TestWriteStall(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
		stuck, slow := l.Dial(officeBrokerPort), l.Dial(officeBrokerPort)
		for _, c := range []*proxytest.Client{stuck, slow} {
			c.WriteFrames(pullOf(1))
			b := l.Broker.Accept()
			require.Equal(t, []int32{1}, b.Opaques())
			b.WriteFrames(bigAnswer(1, 8<<20))
		}
		piece := make([]byte, 64<<10)
		for range 9 {
			time.Sleep(19 * time.Second)
			n, err := slow.Conn.Read(piece)
			require.NoError(t, err)
			for n < len(piece) {
				m, err := slow.Conn.Read(piece[n:])
				require.NoError(t, err)
				n += m
			}
		}
		require.Equal(t, 1, l.Rejections("office", "write_stall"))
		require.Len(t, l.Log.Lines("level=WARN", "timeouts.write_stall"), 1)
		_, err := slow.Conn.Read(piece)
		require.NoError(t, err)
	})
}

// A broker that takes nothing is lost: its clients are answered, and stay.
func TestWriteStallOfABroker(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
		c := l.Dial(officeBrokerPort)
		big := pullOf(1)
		big.Body = make([]byte, 100_000)
		c.WriteFrames(big)
		b := l.Broker.Accept()
		defer b.Close()
		time.Sleep(59 * time.Second)
		require.Empty(t, c.Opaques())
		time.Sleep(7 * time.Second)
		require.Equal(t, []int32{1}, c.Opaques())
		require.Equal(t, 1, l.Rejections("office", "upstream_write_stall"))
		require.True(t, c.Open())
	})
}

// A client with too many requests in flight is not read until answers come; nothing is lost and the order is kept.
func TestRequestsPerConnection(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{RequestsPerConnection: 3}}, func(t *testing.T, l *proxytest.Sim) {
		c := l.Dial(officeBrokerPort)
		var all []*codec.Command
		var want []int32
		for i := range int32(10) {
			p := pullOf(i)
			if i == 6 {
				p.Flag = codec.FlagOneway
			}
			all, want = append(all, p), append(want, i)
		}
		c.WriteFrames(all...)
		b := l.Broker.Accept()
		got := b.Opaques()
		require.Equal(t, want[:3], got)
		time.Sleep(time.Minute)
		require.Empty(t, b.Opaques(), "long polls count")
		var answered []int32
		for i := range want {
			if i != 6 {
				b.WriteFrames(answerTo(want[i]))
				answered = append(answered, c.Opaques()...)
				got = append(got, b.Opaques()...)
			}
			require.LessOrEqual(t, len(got), i+1+3+1)
		}
		require.Equal(t, want, got)
		require.Equal(t, []int32{0, 1, 2, 3, 4, 5, 7, 8, 9}, answered)
		time.Sleep(time.Second)
		require.Equal(t, 1, l.Metric(`rocketmq_proxy_downstream_read_pauses_total{listener="office",port="broker",broker="broker-a/0"}`))
	})
}

// Requests that nobody ever answers do not hold a client back for ever.
func TestRequestsPerConnectionExpire(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{RequestsPerConnection: 2}}, func(t *testing.T, l *proxytest.Sim) {
		c := l.Dial(officeBrokerPort)
		var all []*codec.Command
		for i := range int32(4) {
			all = append(all, &codec.Command{Code: codec.ReqEndTransaction, Opaque: i})
		}
		c.WriteFrames(all...)
		b := l.Broker.Accept()
		require.Equal(t, []int32{0, 1}, b.Opaques())
		time.Sleep(21 * time.Second)
		require.Equal(t, []int32{2, 3}, b.Opaques())
	})
}

// A client that drains with requests held back gets all its answers first.
func TestDrainWaitsForRequestsHeldBack(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{Settings: actors.Settings{RequestsPerConnection: 1}}, func(t *testing.T, l *proxytest.Sim) {
		c := l.Dial(officeBrokerPort)
		c.WriteFrames(pullOf(1), pullOf(2), pullOf(3))
		b := l.Broker.Accept()
		l.Drain(messages.Drain{})
		for i := range int32(3) {
			require.Equal(t, []int32{i + 1}, b.Opaques())
			require.True(t, c.Open())
			b.WriteFrames(answerTo(i + 1))
			require.Equal(t, []int32{i + 1}, c.Opaques())
		}
		require.False(t, c.Open())
	})
}

func pullOf(opaque int32) *codec.Command {
	return &codec.Command{Code: codec.ReqPullMessage, Opaque: opaque}
}

func answerTo(opaque int32) *codec.Command { return pullOf(opaque).Answer(0, "") }
