package server

import (
	"strings"
	"sync/atomic"
	"testing"

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
