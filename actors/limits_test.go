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
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

const (
	doorA       = "10.0.0.1:9876"
	doorABroker = "10.0.0.1:20000"
	doorB       = "10.0.0.2:9876"
	doorBBroker = "10.0.0.2:20000"
)

// While all permits are taken every port of the listener refuses; when one is free again it opens.
func TestConnectionsPerListener(t *testing.T) {
	inLab(t, actors.Settings{ConnectionsPerListener: 3}, func(t *testing.T, l *lab) {
		one, two := l.join(doorA), l.join(doorABroker)
		require.False(t, l.refuses(doorA))
		three := l.join(doorABroker)
		require.True(t, l.refuses(doorA))
		require.True(t, l.refuses(doorABroker))
		require.False(t, l.refuses(doorB), "another listener")
		require.Equal(t, "1", l.metric(rejectedMetric("a", "connections_per_listener")))
		require.Equal(t, "1", l.metric(`rocketmq_proxy_listener_full{listener="a"}`))

		late, err := l.knock(doorABroker, "198.51.100.7:1") // was in the queue when the door closed
		require.NoError(t, err)
		require.False(t, late.open())
		require.Equal(t, "2", l.metric(rejectedMetric("a", "connections_per_listener")))

		two.Close()
		synctest.Wait()
		require.False(t, l.refuses(doorA))
		require.False(t, l.refuses(doorABroker))
		require.Equal(t, "0", l.metric(`rocketmq_proxy_listener_full{listener="a"}`))
		l.join(doorABroker)
		require.True(t, l.refuses(doorA))
		require.True(t, one.open())
		require.True(t, three.open())
	}, "b")
}

// An address has its number of connections; others are not concerned, and a connection that ends makes room.
func TestConnectionsPerAddress(t *testing.T) {
	inLab(t, actors.Settings{ConnectionsPerAddress: 2}, func(t *testing.T, l *lab) {
		in := func(from string, want bool) *labClient {
			t.Helper()
			c, err := l.knock(doorA, from)
			require.NoError(t, err)
			require.Equal(t, want, c.open(), from)
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
		require.Equal(t, "3", l.metric(rejectedMetric("a", "connections_per_address")))
	})
}

// However many are rejected, a line each 10 s tells it, with the number of the others.
func TestRejectionsAreLoggedAtABoundedRate(t *testing.T) {
	inLab(t, actors.Settings{ConnectionsPerAddress: 1}, func(t *testing.T, l *lab) {
		l.join(doorA)
		for range 50 {
			l.knock(doorA, "198.51.100.7:1")
		}
		require.Len(t, l.logged("limits.connections_per_address"), 1)
		time.Sleep(16 * time.Second)
		lines := l.logged("limits.connections_per_address")
		require.Len(t, lines, 2)
		require.NotContains(t, lines[0], "suppressed")
		require.Contains(t, lines[1], "suppressed=48")
		time.Sleep(time.Minute)
		require.Len(t, l.logged("limits.connections_per_address"), 2)
		require.Equal(t, "50", l.metric(rejectedMetric("a", "connections_per_address")))
	})
}

// What a handshake rejects is told in the same way, with the reason of the last one.
func TestRejectionsOfHandshakesAreLoggedAtABoundedRate(t *testing.T) {
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		require.Equal(t, "0", l.metric(rejectedMetric("a", transport.RejectedPlain)))
		refused := l.env.Rejected("a")
		for i := range 50 {
			refused(transport.Rejection{Reason: transport.RejectedPlain, Remote: netip.MustParseAddrPort("198.51.100.7:1"), Err: fmt.Errorf("no %d", i)})
		}
		refused(transport.Rejection{Reason: transport.RejectedTimeout, Err: io.EOF})
		time.Sleep(time.Minute)
		lines := l.logged(`msg="connection rejected before its first frame" listener=a client=198.51.100.7:1 reason=tls_required`)
		require.Len(t, lines, 2)
		require.Contains(t, lines[0], `error="no 0"`)
		require.NotContains(t, lines[0], "suppressed")
		require.Contains(t, lines[1], `error="no 49" suppressed=48`)
		require.Len(t, l.logged("reason=handshake_timeout"), 1)
		require.Equal(t, "50", l.metric(rejectedMetric("a", transport.RejectedPlain)))
	})
}

// A client that never sends anything is cut off; one that has sent something may be idle.
func TestFirstByteTimeout(t *testing.T) {
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		mute, client := l.join(doorA), l.join(doorABroker)
		client.sends(pullOf(1))
		time.Sleep(29 * time.Second)
		require.True(t, mute.open())
		time.Sleep(6 * time.Second)
		require.False(t, mute.open())
		require.True(t, client.open())
		require.Equal(t, "1", l.metric(rejectedMetric("a", "first_byte")))
		require.Len(t, l.logged("timeouts.first_byte"), 1)

		time.Sleep(80 * time.Second)
		require.True(t, client.open())
		time.Sleep(15 * time.Second)
		require.False(t, client.open())
		require.Equal(t, "1", l.metric(rejectedMetric("a", "idle")))
	})
}

// A header must become whole; that the client has sent others before does not help it.
func TestHeaderTimeout(t *testing.T) {
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		fresh, old, busy := l.join(doorA), l.join(doorABroker), l.join(doorABroker)
		frame := pullOf(1).Append(nil, codec.JSON)
		fresh.Write(frame[:3])
		old.Write(append(bytes.Clone(frame), frame[:20]...))
		busy.Write(frame[:20])
		for range 10 { // each header becomes whole, and another one begins
			time.Sleep(4 * time.Second)
			busy.Write(append(bytes.Clone(frame[20:]), frame[:20]...))
		}
		require.False(t, fresh.open())
		require.False(t, old.open())
		require.True(t, busy.open())
		require.Equal(t, "2", l.metric(rejectedMetric("a", "header")))
	})
}

// Dribbling does not make a header whole.
func TestHeaderTimeoutOfASlowLoris(t *testing.T) {
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		loris := l.join(doorA)
		frame := pullOf(1).Append(nil, codec.JSON)
		sent := 0
		for ; loris.open() && sent < len(frame)-1; sent++ {
			loris.Write(frame[sent : sent+1])
			time.Sleep(time.Second)
		}
		require.False(t, loris.open())
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
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		deaf, slow := l.join(doorABroker), l.join(doorABroker)
		for _, c := range []*labClient{deaf, slow} {
			c.sends(pullOf(1))
			b := l.broker()
			require.Equal(t, []int32{1}, b.gets())
			b.sends(bigAnswer(1, 8<<20))
		}
		piece := make([]byte, 64<<10)
		for range 9 {
			time.Sleep(19 * time.Second)
			n, err := slow.Read(piece)
			require.NoError(t, err)
			for n < len(piece) {
				m, err := slow.Read(piece[n:])
				require.NoError(t, err)
				n += m
			}
		}
		require.Equal(t, "1", l.metric(rejectedMetric("a", "write_stall")))
		require.Len(t, l.logged("timeouts.write_stall"), 1)
		_, err := slow.Read(piece)
		require.NoError(t, err)
	})
}

// A broker that takes nothing is lost: its clients are answered, and stay.
func TestWriteStallOfABroker(t *testing.T) {
	inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
		c := l.join(doorABroker)
		big := pullOf(1)
		big.Body = make([]byte, 100_000)
		c.sends(big)
		b := l.broker()
		defer b.Close()
		time.Sleep(59 * time.Second)
		require.Empty(t, c.gets())
		time.Sleep(7 * time.Second)
		require.Equal(t, []int32{1}, c.gets())
		require.Equal(t, "1", l.metric(rejectedMetric("a", "upstream_write_stall")))
		require.True(t, c.open())
	})
}

// A client with too many requests in flight is not read until answers come; nothing is lost and the order is kept.
func TestRequestsPerConnection(t *testing.T) {
	inLab(t, actors.Settings{RequestsPerConnection: 3}, func(t *testing.T, l *lab) {
		c := l.join(doorABroker)
		var all []*codec.Command
		var want []int32
		for i := range int32(10) {
			p := pullOf(i)
			if i == 6 {
				p.Flag = codec.FlagOneway
			}
			all, want = append(all, p), append(want, i)
		}
		c.sends(all...)
		b := l.broker()
		got := b.gets()
		require.Equal(t, want[:3], got)
		time.Sleep(time.Minute)
		require.Empty(t, b.gets(), "long polls count")
		var answered []int32
		for i := range want {
			if i != 6 {
				b.sends(answerTo(want[i]))
				answered = append(answered, c.gets()...)
				got = append(got, b.gets()...)
			}
			require.LessOrEqual(t, len(got), i+1+3+1)
		}
		require.Equal(t, want, got)
		require.Equal(t, []int32{0, 1, 2, 3, 4, 5, 7, 8, 9}, answered)
		time.Sleep(time.Second)
		require.Equal(t, "1", l.metric(`rocketmq_proxy_downstream_read_pauses_total{listener="a",port="broker",broker="broker-a/0"}`))
	})
}

// Requests that nobody ever answers do not hold a client back for ever.
func TestRequestsPerConnectionExpire(t *testing.T) {
	inLab(t, actors.Settings{RequestsPerConnection: 2}, func(t *testing.T, l *lab) {
		c := l.join(doorABroker)
		var all []*codec.Command
		for i := range int32(4) {
			all = append(all, &codec.Command{Code: codec.ReqEndTransaction, Opaque: i})
		}
		c.sends(all...)
		b := l.broker()
		require.Equal(t, []int32{0, 1}, b.gets())
		time.Sleep(21 * time.Second)
		require.Equal(t, []int32{2, 3}, b.gets())
	})
}

// A client that drains with requests held back gets all its answers first.
func TestDrainWaitsForRequestsHeldBack(t *testing.T) {
	inLab(t, actors.Settings{RequestsPerConnection: 1}, func(t *testing.T, l *lab) {
		c := l.join(doorABroker)
		c.sends(pullOf(1), pullOf(2), pullOf(3))
		b := l.broker()
		l.drain()
		for i := range int32(3) {
			require.Equal(t, []int32{i + 1}, b.gets())
			require.True(t, c.open())
			b.sends(answerTo(i + 1))
			require.Equal(t, []int32{i + 1}, c.gets())
		}
		require.False(t, c.open())
	})
}
