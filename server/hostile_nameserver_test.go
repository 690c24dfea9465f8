package server

import (
	"bytes"
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// Whatever a name server does, routes that are known are served as they were, and it is believed again when it is well.
func TestHostileNameServers(t *testing.T) {
	s := newStage(t, "timeouts = { name_server = '200ms' }\n")
	known := s.place("liar")
	body := func(b string) func(q *codec.Command) []byte {
		return func(q *codec.Command) []byte {
			a := q.Answer(codec.ResSuccess, "")
			a.Body = []byte(b)
			return a.Append(nil, codec.JSON)
		}
	}
	route := s.table(codec.ReqGetRouteInfoByTopic)
	acts := map[string]func(*codec.Command) []byte{
		"no body":             body(""),
		"null":                body("null"),
		"no JSON":             body("nonsense"),
		"cut JSON":            body(route[:len(route)/2]),
		"deep":                body(strings.Repeat("[", 100_000)),
		"deep in a known key": body(`{"brokerDatas":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}"),
		"deep objects":        body(`{"brokerAddrTable":` + strings.Repeat(`{"a":`, 100_000)),
		"a key twice":         body(route[:len(route)-1] + `,"brokerDatas":[]}`),
		"huge":                body(strings.Repeat(" ", 15<<20)),
		"someone else's opaque": func(q *codec.Command) []byte {
			a := q.Answer(codec.ResSuccess, "")
			a.Opaque, a.Body = q.Opaque+1000, []byte(route)
			return a.Append(nil, codec.JSON)
		},
		"a request for an answer": func(q *codec.Command) []byte { return q.Append(nil, codec.JSON) },
		"half an answer":          func(q *codec.Command) []byte { b := stored(q); return b[:len(b)/2] },
		"nothing":                 func(*codec.Command) []byte { return nil },
		"an error":                func(q *codec.Command) []byte { return q.Answer(codec.ResSystemError, "no").Append(nil, codec.JSON) },
	}
	for what, bad := range unreadable(t) {
		acts[what] = func(*codec.Command) []byte { return []byte(bad) }
	}
	for what, act := range acts {
		t.Run(what, func(t *testing.T) {
			var asked atomic.Int32
			s.names.Plays(proxytest.Answering(func(q *codec.Command) []byte { asked.Add(1); return act(q) }))
			require.Equal(t, known, s.place("liar"))
			c := dial(t, s.Addr("office"))
			defer c.Conn.Close()
			var a *codec.Command
			s.await(func() bool { // a question on the way may still meet the connection that plays has closed
				var err error
				a, err = c.Try(&codec.Command{Code: codec.ReqGetRouteInfoByTopic, Ext: map[string]string{"topic": "About " + what}})
				require.NoError(t, err, "who asks for what is not known is answered")
				return asked.Load() > 0
			}, "the name server is asked")
			require.Equal(t, known, s.place("liar"))
			if a.Code == codec.ResSuccess {
				require.NotContains(t, string(a.Body), s.liar.Address, "the broker's own address gets out")
			}
		})
	}
	s.names.Plays(proxytest.Answering(s.nameServer))
	s.await(func() bool {
		c := dial(t, s.Addr("office"))
		defer c.Conn.Close()
		a := c.Call(&codec.Command{Code: codec.ReqGetRouteInfoByTopic, Ext: map[string]string{"topic": "Fresh"}})
		return a.Code == codec.ResSuccess
	}, "it is believed again")
	s.errors(0, 0)
	s.unharmed()
}

// dribble writes a byte at a time, for longer than anybody waits.
func dribble(c net.Conn, b []byte) {
	for i := range b {
		if _, err := c.Write(b[i : i+1]); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// Whatever the first of two name servers does with its answer, who asks is served from the other, long before the
// first comes to an end; of what is longer than max_frame nothing is kept.
func TestHostileNameServerIsLeftForAnother(t *testing.T) {
	over := bytes.Repeat([]byte(" "), 24<<20) // max_frame is 16 MiB
	frame := func(q *codec.Command, s *stage, body []byte) []byte {
		a := s.named(q)
		a.Body = append(a.Body, body...)
		return a.Append(nil, codec.JSON)
	}
	lie := func(b []byte, total int) []byte {
		binary.BigEndian.PutUint32(b, uint32(total))
		return b
	}
	acts := map[string]func(s *stage, c net.Conn, q *codec.Command){
		"a byte at a time": func(s *stage, c net.Conn, q *codec.Command) { dribble(c, s.nameServer(q)) },
		"no end":           func(s *stage, c net.Conn, q *codec.Command) { c.Write(lie(s.nameServer(q), 10<<20)) },
		"spaces without end": func(s *stage, c net.Conn, q *codec.Command) {
			c.Write(lie(s.nameServer(q), 15<<20))
			dribble(c, over)
		},
		"over max_frame":        func(s *stage, c net.Conn, q *codec.Command) { c.Write(frame(q, s, over)) },
		"over max_frame, a lie": func(s *stage, c net.Conn, q *codec.Command) { c.Write(lie(s.nameServer(q), 1<<31-1)) },
		"shorter than it is":    func(s *stage, c net.Conn, q *codec.Command) { c.Write(lie(s.nameServer(q), 200)) },
		"longer than it is": func(s *stage, c net.Conn, q *codec.Command) {
			b := s.nameServer(q)
			c.Write(lie(b, len(b)))
		},
		"nothing": func(*stage, net.Conn, *codec.Command) {},
	}
	for what, act := range acts {
		t.Run(what, func(t *testing.T) {
			other := proxytest.NewFakeBroker(t)
			s := newStage(t, "timeouts = { name_server = '500ms' }\n", other)
			var asked atomic.Int32
			s.names.Plays(func(c net.Conn) {
				for {
					q, _, err := codec.ReadCommand(c, codec.Limits{})
					if err != nil {
						return
					}
					asked.Add(1)
					act(s, c, q)
				}
			})
			known := s.place("liar")
			c := dial(t, s.Addr("office"))
			begun := time.Now()
			require.Equal(t, known, c.brokers("Fresh")["liar"])
			took := time.Since(begun)
			c.Conn.Close()
			t.Logf("answered after %s", took)
			require.Less(t, took, 5*time.Second, "it takes about hedgeAfter")
			s.await(func() bool {
				failures := s.metric(`rocketmq_proxy_name_server_failures_total{cluster="main",name_server="` + s.names.Address + `"}`)
				return failures > 0 && failures <= int(asked.Load())
			}, "the failure of the first one is counted")
			s.served()
			s.names.Plays(proxytest.Answering(s.nameServer)) // what dribbles ends
			s.errors(0, 0)
			s.unharmed()
		})
	}
}
