package server

import (
	"bytes"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// A broker's answer that cannot be read ends that broker's connection; what waits is answered, the client is kept.
func TestUnreadableBrokers(t *testing.T) {
	s := newStage(t, "")
	var said atomic.Int32 // bad answers
	place := s.place("liar")
	c := dial(t, place)
	for what, bad := range unreadable(t) {
		t.Run(what, func(t *testing.T) {
			c.Close()
			c = dial(s.t, place) // so that the dial does not wait for the pause after another loss
			before := said.Load()
			closed := make(chan struct{}, 100)
			s.liar.Plays(func(up net.Conn) {
				if _, _, err := codec.ReadCommand(up, codec.Limits{}); err != nil {
					return
				}
				said.Add(1)
				go up.Write([]byte(bad))
				io.Copy(io.Discard, up)
				closed <- struct{}{}
			})
			s.await(func() bool { // a request on the way may still meet the connection that plays has closed
				a := c.Call(sendRequest("x"))
				require.Equal(t, codec.ResServiceNotAvailable, a.Code)
				return said.Load() > before
			}, "the broker is asked")
			select {
			case <-closed:
			case <-time.After(patience):
				t.Fatal("the broker's connection stays open")
			}
			require.Equal(t, codec.ResServiceNotAvailable, c.Call(sendRequest("the client is kept")).Code)
			s.errors(0, int(said.Load()))
		})
	}
	s.liar.Plays(proxytest.Answering(stored))
	s.await(func() bool { a := c.Call(sendRequest("x")); return a.Code == codec.ResSuccess }, "the client goes on")
	c.Conn.Close()
	s.unharmed()
}

// An answer that breaks off never reaches the client as if it were whole.
func TestBrokersCutInTheMiddleOfAFrame(t *testing.T) {
	s := newStage(t, "")
	place := s.place("liar")
	big := func(q *codec.Command) []byte {
		a := q.Answer(codec.ResSuccess, "")
		a.Body = bytes.Repeat([]byte("b"), 100_000)
		return a.Append(nil, codec.JSON)
	}
	for _, end := range []func(net.Conn){func(c net.Conn) { proxytest.Reset(c) }, func(c net.Conn) { c.Close() }} {
		for _, cut := range []int{0, 1, 7, 8, 50, 1000, 50_000, 100_050} {
			s.liar.Plays(func(up net.Conn) {
				q, _, err := codec.ReadCommand(up, codec.Limits{})
				if err == nil {
					up.Write(big(q)[:cut])
					end(up)
				}
			})
			c := dial(t, place)
			a, err := c.Try(sendRequest("x"))
			if err == nil {
				require.Equal(t, codec.ResServiceNotAvailable, a.Code, "cut at %d", cut)
				require.Empty(t, a.Body)
			} else { // a part had gone out: the stream cannot go on
				require.NotErrorIs(t, err, net.ErrClosed)
				require.GreaterOrEqual(t, cut, 50)
			}
			c.Conn.Close()
		}
	}
	s.errors(0, 0)
	s.unharmed()
}

// Answers with opaques nobody asked for, answers given twice and a flood of pushes pass by; the right answer arrives.
func TestBrokerThatTalksTooMuch(t *testing.T) {
	const flood = 5000
	s := newStage(t, "")
	s.liar.Plays(proxytest.Answering(func(q *codec.Command) []byte {
		var out []byte
		for i := range int32(flood) {
			stray := codec.Command{Flag: codec.FlagResponse, Opaque: 1_000_000 + i}
			push := codec.Command{Code: codec.ReqNotifyConsumerIDsChanged, Flag: codec.FlagOneway, Opaque: q.Opaque}
			out = push.Append(stray.Append(out, codec.JSON), codec.Binary)
		}
		return append(append(out, stored(q)...), stored(q)...)
	}))
	c := dial(t, s.place("liar"))
	asked := c.Send(&codec.Command{Code: codec.ReqSendMessageV2, Ext: sendExt})
	right := 0
	for range 2*flood + 2 { // as a broker's own connection would bring them
		a := c.Next()
		if a.IsResponse() && a.Opaque == asked {
			right++
		}
	}
	require.Equal(t, 2, right)
	s.served()
	c.Conn.Close()
	s.errors(0, 0)
	s.unharmed()
}
