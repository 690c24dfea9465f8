package connection_test

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// A connection without a byte, and one with a part of a header, at first or after requests, are closed on broker and
// name-server ports alike, and nobody behind the proxy gets a byte of it.
func TestSilentConnectionsAreClosed(t *testing.T) {
	half := string(proxytest.Prefix(1000, 500, `{"code":`))
	for _, port := range []string{proxytest.OfficeBrokerPort, proxytest.OfficePort} {
		t.Run(port, func(t *testing.T) {
			proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
				s.Broker.Answers(proxytest.Succeed)
				closes := func(client *proxytest.Client, what string, patience time.Duration, setting string) {
					t.Helper()
					s.Log.Forget()
					received := s.Broker.Received()
					client.Write([]byte(what))
					time.Sleep(patience - time.Millisecond)
					require.True(t, client.Open())
					time.Sleep(2*5*time.Second + time.Millisecond) // ticks come every 5 s
					client.Ends()
					s.Until("it is logged", func() bool { return s.Log.Has(setting) })
					require.Equal(t, received, s.Broker.Received())
				}
				for _, what := range []string{"\x00", "\x00\x00\x00", half} {
					closes(s.Dial(port), what, 10*time.Second, "timeouts.header")
				}
				closes(s.Dial(port), "", 30*time.Second, "timeouts.first_byte")
				served := s.Dial(port)
				require.Equal(t, codec.ResSuccess, served.Call(proxytest.RouteRequest("News")).Code)
				closes(served, half, 10*time.Second, "timeouts.header")
				s.Settle(5)
				require.Equal(t, 4, s.Rejections("office", "header"))
				require.Equal(t, 1, s.Rejections("office", "first_byte"))
				require.Zero(t, s.Stat("request_decoding_error"))
			})
		})
	}
}

// A client that never sends anything is cut off; one that has sent something may be idle.
func TestFirstByteTimeout(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		mute, client := s.Dial(proxytest.OfficePort), s.Dial(proxytest.OfficeBrokerPort)
		client.WriteFrames(proxytest.PullRequest(1))
		time.Sleep(29 * time.Second)
		require.True(t, mute.Open())
		time.Sleep(6 * time.Second)
		require.False(t, mute.Open())
		require.True(t, client.Open())
		require.Equal(t, 1, s.Rejections("office", "first_byte"))
		require.Len(t, s.Log.Lines("level=WARN", "timeouts.first_byte"), 1)

		time.Sleep(80 * time.Second)
		require.True(t, client.Open())
		time.Sleep(15 * time.Second)
		require.False(t, client.Open())
		require.Equal(t, 1, s.Rejections("office", "idle"))
	})
}

// A header must become whole; that the client has sent others before does not help it.
func TestHeaderTimeout(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		fresh, old, busy := s.Dial(proxytest.OfficePort), s.Dial(proxytest.OfficeBrokerPort), s.Dial(proxytest.OfficeBrokerPort)
		frame := proxytest.Frame(proxytest.PullRequest(1))
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
		require.Equal(t, 2, s.Rejections("office", "header"))
	})
}

// Dribbling does not make a header whole.
func TestHeaderTimeoutOfASlowLoris(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		loris := s.Dial(proxytest.OfficePort)
		frame := proxytest.Frame(proxytest.PullRequest(1))
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
	a := proxytest.PullAnswer(opaque)
	a.Body = make([]byte, size)
	return a
}

// A client that takes nothing of its answer is cut off; one that takes a little now and then is not.
func TestWriteStall(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		stuck, slow := s.Dial(proxytest.OfficeBrokerPort), s.Dial(proxytest.OfficeBrokerPort)
		for _, c := range []*proxytest.Client{stuck, slow} {
			c.WriteFrames(proxytest.PullRequest(1))
			b := s.Broker.Accept()
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
		require.Equal(t, 1, s.Rejections("office", "write_stall"))
		require.Len(t, s.Log.Lines("level=WARN", "timeouts.write_stall"), 1)
		_, err := slow.Conn.Read(piece)
		require.NoError(t, err)
	})
}

// A broker that takes nothing is lost: its clients are answered, and stay.
func TestWriteStallOfABroker(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		c := s.Dial(proxytest.OfficeBrokerPort)
		big := proxytest.PullRequest(1)
		big.Body = make([]byte, 100_000)
		c.WriteFrames(big)
		b := s.Broker.Accept()
		defer b.Close()
		time.Sleep(59 * time.Second)
		require.Empty(t, c.Opaques())
		time.Sleep(7 * time.Second)
		require.Equal(t, []int32{1}, c.Opaques())
		require.Equal(t, 1, s.Rejections("office", "upstream_write_stall"))
		require.True(t, c.Open())
	})
}

func TestTrafficKeepsAConnection(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		s.Broker.Answers(proxytest.Echo)
		client := s.Dial(proxytest.OfficeBrokerPort)
		for range 5 {
			client.Call(&codec.Command{Code: codec.ReqGetMaxOffset})
			time.Sleep(100 * time.Second)
			require.True(t, client.Open())
		}
		client.Close()
		s.Settle(1)
		require.Equal(t, 5, s.Stat("response_success"))
	})
}

// A client that has nothing in flight keeps no request actors: none for a single request, and none when it is idle.
func TestIdleClientsKeepNoRequestActors(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		s.Broker.Answers(proxytest.Echo)
		client := s.Dial(proxytest.OfficeBrokerPort)
		for n, kept := range []int{0, 1, 1} {
			client.Call(&codec.Command{Code: codec.ReqGetMaxOffset})
			synctest.Wait()
			require.Len(t, s.Actors("request"), kept, "after request %d", n+1)
		}
		time.Sleep(15 * time.Second)
		require.Empty(t, s.Actors("request"))
		client.Call(&codec.Command{Code: codec.ReqGetMaxOffset})
		s.Until("it is counted", func() bool { return s.Stat("response_success") == 4 })
		require.Empty(t, s.Actors("request"))
	})
}

// The Go client sends END_TRANSACTION as if it had an answer, and a broker has none for the state "unknown": that must
// not count as active for ever. Other requests may wait for as long as a long poll, and more.
func TestRequestsThatNobodyAnswersAreForgotten(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		s.Broker.Answers(proxytest.HeartbeatsOnly)
		client := s.Dial(proxytest.OfficeBrokerPort)
		client.Send(&codec.Command{Code: codec.ReqEndTransaction})
		client.Send(proxytest.PullRequest(0))
		time.Sleep(14 * time.Second)
		require.Equal(t, 2, s.Stat("request_active"))
		time.Sleep(8 * time.Second)
		require.Equal(t, 1, s.Stat("request_active"), "the pull")
		require.Equal(t, 1, s.Stat("response_error"))
		for range 7 {
			client.Call(&codec.Command{Code: codec.ReqHeartBeat, Body: []byte(proxytest.FullHeartbeat)})
			time.Sleep(100 * time.Second)
		}
		require.Zero(t, s.Stat("request_active"), "nobody polls for ten minutes")
		require.Equal(t, 2, s.Stat("response_error"))
		require.True(t, client.Open(), "the client is kept")
		client.Close()
		s.Settle(1)
		s.GaugesAreZero()
	})
}
