package server

import (
	"encoding/json"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// Clients that ask for large answers and never read. What they cost those behind the proxy is counted by netty.

// netty plays a server that reads on while its answers do not go out, as brokers and name servers do.
type netty struct {
	answer func(*codec.Command) *codec.Command
	held   atomic.Int64 // bytes of bodies that wait, of all connections
	worst  atomic.Int64 // the most of one connection so far
}

func (n *netty) play(up net.Conn) {
	answers := make(chan *codec.Command, 1<<16)
	var held atomic.Int64
	written := make(chan struct{})
	go func() {
		defer close(written)
		for a := range answers {
			if _, err := up.Write(a.Append(nil, codec.JSON)); err != nil {
				up.Close()
			}
			held.Add(-int64(len(a.Body)))
			n.held.Add(-int64(len(a.Body)))
		}
	}()
	for {
		q, _, err := codec.ReadCommand(up, codec.Limits{})
		if err != nil {
			break
		}
		a := n.answer(q)
		n.held.Add(int64(len(a.Body)))
		if now := held.Add(int64(len(a.Body))); now > n.worst.Load() {
			n.worst.Store(now)
		}
		answers <- a
	}
	up.Close()
	close(answers)
	<-written
}

// pulls plays a broker whose pulls find so many bytes.
func pulls(size int) *netty {
	body := make([]byte, size)
	return &netty{answer: func(q *codec.Command) *codec.Command {
		a := success(q)
		if q.Code == codec.ReqPullMessage {
			a.Body = body
		}
		return a
	}}
}

// deaf connects a client that sends so many requests, as far as it can, and reads nothing.
func deaf(t *testing.T, address string, n int, q codec.Command) *client {
	t.Helper()
	var all []byte
	for q.Opaque = range int32(n) {
		all = q.Append(all, codec.JSON)
	}
	c := dial(t, address)
	require.NoError(t, c.Conn.(*net.TCPConn).SetReadBuffer(4096))
	go c.Conn.Write(all) // until it is held back, or the end
	return c
}

// kept is what is kept for each client for which something is.
func (s *stage) kept() (each []int) {
	s.t.Helper()
	_, text := s.request("GET", "/clients", fixtureToken)
	var all []struct {
		Kept int `json:"bytes_kept"`
	}
	require.NoError(s.t, json.Unmarshal([]byte(text), &all), text)
	for _, c := range all {
		if c.Kept > 0 {
			each = append(each, c.Kept)
		}
	}
	return each
}

// cutOff waits until so many clients were disconnected because they took nothing.
func (s *stage) cutOff(n int) {
	s.t.Helper()
	s.await(func() bool {
		s.tick()
		return s.metric(`rocketmq_proxy_refused_total{listener="office",reason="write_stall"}`) == n
	}, "they are cut off")
}

// mostKept is what the proxy may keep for one client of a broker: buffer_per_connection, and a chunk that is under way on
// each socket.
const mostKept = 1<<20 + 512<<10

// A crowd of them costs the proxy a bounded buffer each, and the broker no more than requests_per_connection answers.
func TestClientsThatNeverRead(t *testing.T) {
	const clients, size, limit = 8, 256 << 10, 16
	s := newStage(t, "limits = { requests_per_connection = 16 }\n")
	broker := pulls(size)
	s.liar.Plays(broker.play)
	place := s.place("liar")
	crowd := make([]*client, clients)
	for i := range crowd {
		crowd[i] = deaf(t, place, 2000, codec.Command{Code: codec.ReqPullMessage, Ext: sendExt})
	}
	kept := 0
	s.await(func() bool {
		kept = s.metric("rocketmq_proxy_buffered_bytes")
		return kept > clients<<18 && broker.worst.Load() >= limit*size/2
	}, "answers are stuck")
	for range 20 {
		s.served()
		kept = max(kept, s.metric("rocketmq_proxy_buffered_bytes"))
	}
	t.Logf("the proxy kept %d bytes, the broker at most %d for one connection", kept, broker.worst.Load())
	require.LessOrEqual(t, kept, clients*mostKept)
	require.LessOrEqual(t, broker.worst.Load(), int64((limit+1)*size), "one may be counted that has just been written")
	for _, c := range crowd {
		proxytest.Reset(c.Conn)
	}
	s.unharmed()
}

// With the default of 4,096 requests in flight, other clients of the same broker are served all the time; when the
// write stall time-out is over the broker has nothing left for it.
func TestClientThatNeverReadsFromABroker(t *testing.T) {
	const size, limit = 64 << 10, 4096
	s := newStage(t, "timeouts = { write_stall = '1s' }\n")
	broker := pulls(size)
	s.liar.Plays(broker.play)
	place := s.place("liar")
	beside := newNeighbor(dial(t, place))
	defer beside.stop()
	hog := deaf(t, place, 4*limit, codec.Command{Code: codec.ReqPullMessage, Ext: sendExt})
	kept := 0
	s.await(func() bool {
		kept = max(kept, s.metric("rocketmq_proxy_buffered_bytes"))
		return len(s.kept()) == 1 && broker.worst.Load() > size
	}, "answers are stuck")
	for range 20 {
		n := beside.sent.Load()
		s.await(func() bool { return beside.sent.Load() >= n+2 || beside.failure() != nil }, "another client of the broker sends")
		require.NoError(t, beside.failure())
		s.served()
		kept = max(kept, s.metric("rocketmq_proxy_buffered_bytes"))
	}
	t.Logf("the proxy kept %d bytes, the broker at most %d", kept, broker.worst.Load())
	const eachRequest = 1400 // bytes: requests in flight count as well
	require.LessOrEqual(t, kept, mostKept+limit*eachRequest)
	require.LessOrEqual(t, broker.worst.Load(), int64((limit+1)*size))
	s.cutOff(1)
	s.await(func() bool { return broker.held.Load() == 0 && len(s.liar.Conns()) == 1 }, "the broker has nothing left for it")
	proxytest.Reset(hog.Conn)
	beside.stop()
	require.NoError(t, beside.failure())
	s.unharmed()
}

// What is asked of a name server: its answers that are relayed, and routes of the proxy's own.
func TestClientsThatNeverReadFromANameServer(t *testing.T) {
	const size, asked = 1 << 20, 32 // by one client at a time
	s := newStage(t, "timeouts = { write_stall = '1s' }\n")
	filler := strings.Repeat("f", size)
	ask := codec.Command{Code: codec.ReqGetRouteInfoByTopic, Version: codec.Version5_5_0, Ext: map[string]string{"topic": "Large"}}
	list := codec.Command{Code: codec.ReqGetAllTopicListFromNameServer}
	names := &netty{answer: func(q *codec.Command) *codec.Command {
		if q.Code == list.Code {
			a := q.Answer(codec.ResSuccess, "")
			a.Body = []byte(filler)
			return a
		}
		a := s.named(q)
		if q.Ext["topic"] == "Large" {
			a.Body = append([]byte(`{"filler":"`+filler+`",`), a.Body[1:]...)
		}
		return a
	}}
	s.names.Plays(names.play)
	office := s.Addr("office")
	good := dial(t, office)
	known := good.Call(&codec.Command{Code: ask.Code, Ext: ask.Ext})
	require.Equal(t, codec.ResSuccess, known.Code)

	hogs := []*client{deaf(t, office, 5000, list), deaf(t, office, 5000, ask)}
	s.await(func() bool { return len(s.kept()) == len(hogs) && names.held.Load() > size }, "answers are stuck")
	for range 10 {
		s.served()
		a := good.Call(&codec.Command{Code: list.Code})
		require.Equal(t, filler, string(a.Body))
		a = good.Call(&codec.Command{Code: ask.Code, Ext: ask.Ext})
		require.Equal(t, known.Body, a.Body)
		require.LessOrEqual(t, s.metric("rocketmq_proxy_buffered_bytes"), len(hogs)*mostKept)
		for _, kept := range s.kept() {
			require.LessOrEqual(t, kept, mostKept)
		}
	}
	t.Logf("the name server held at most %d bytes for one connection", names.worst.Load())
	require.LessOrEqual(t, names.worst.Load(), int64((asked+1)*size))
	require.Zero(t, s.metric(`rocketmq_proxy_name_server_failures_total{cluster="main",name_server="`+s.names.Address+`"}`))
	s.cutOff(len(hogs))
	s.await(func() bool { return names.held.Load() == 0 && len(s.names.Conns()) <= 2 }, "the name server has nothing left for them")
	for _, hog := range hogs {
		proxytest.Reset(hog.Conn)
	}
	good.Conn.Close()
	s.unharmed()
}
