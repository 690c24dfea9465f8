package cluster_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// dribble writes a byte at a time, for longer than anybody waits.
func dribble(nc net.Conn, b []byte) {
	for i := range b {
		if _, err := nc.Write(b[i : i+1]); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// claiming is a frame that says that it is so long.
func claiming(frame []byte, total int) []byte {
	binary.BigEndian.PutUint32(frame, uint32(total))
	return frame
}

// Whatever the first of two name servers does with its answer, whoever asks is served from the other, long before the
// first comes to an end; of what is longer than max_frame nothing is kept.
func TestHostileNameServerIsLeftForAnother(t *testing.T) {
	over := bytes.Repeat([]byte(" "), 24<<20) // max_frame is 16 MiB
	longer := func(frame []byte) []byte { return append(claiming(frame, len(frame)-4+len(over)), over...) }
	for what, act := range map[string]func(nc net.Conn, answer []byte){
		"a byte at a time":      dribble,
		"no end":                func(nc net.Conn, answer []byte) { nc.Write(claiming(answer, 10<<20)) },
		"spaces without end":    func(nc net.Conn, answer []byte) { nc.Write(claiming(answer, 15<<20)); dribble(nc, over) },
		"over max_frame":        func(nc net.Conn, answer []byte) { nc.Write(longer(answer)) },
		"over max_frame, a lie": func(nc net.Conn, answer []byte) { nc.Write(claiming(answer, 1<<31-1)) },
		"shorter than it is":    func(nc net.Conn, answer []byte) { nc.Write(claiming(answer, 200)) },
		"longer than it is":     func(nc net.Conn, answer []byte) { nc.Write(claiming(answer, len(answer))) },
		"nothing":               func(net.Conn, []byte) {},
	} {
		t.Run(what, func(t *testing.T) {
			o := proxytest.Options{NameServers: proxytest.NameServerAddresses(2), Settings: actors.Settings{QueryTimeout: 500 * time.Millisecond}}
			proxytest.InVirtualTime(t, o, func(t *testing.T, s *proxytest.Sim) {
				var asked atomic.Int64
				s.StartNameServer(0, proxytest.OnlyA).Plays(func(nc net.Conn) {
					for {
						q, _, err := codec.ReadCommand(nc, codec.Limits{})
						if err != nil {
							return
						}
						asked.Add(1)
						act(nc, proxytest.Frame(proxytest.KnowsBrokers(proxytest.OnlyA)(q)))
					}
				})
				s.StartNameServer(1, proxytest.OnlyA)
				before := proxytest.HeapInUse()
				require.LessOrEqual(t, took(func() { s.Start(); s.UntilOpen() }), time.Second)
				client := s.Dial(s.NameServer())
				require.LessOrEqual(t, took(func() {
					a := client.Call(proxytest.RouteRequest("topic1"))
					require.Equal(t, codec.ResSuccess, a.Code)
					require.Contains(t, string(a.Body), s.Port(proxytest.BrokerA))
				}), time.Second)
				time.Sleep(time.Minute) // it is asked again and again
				failures := s.Cluster().Servers()[0].Failures.Load()
				require.Positive(t, failures)
				require.LessOrEqual(t, int64(failures), asked.Load())
				require.Less(t, proxytest.HeapInUse()-before, int64(8<<20))
				require.Zero(t, s.Stat("request_decoding_error"))
				require.Zero(t, s.Stat("response_decoding_error"))
			})
		})
	}
}
