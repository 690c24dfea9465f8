package listener

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// A send of 1 KiB and its answer through client socket, connection, upstream, a broker's socket and back, over
// loopback, with message ids rewritten (listener.rewrite_message_ids) and without. window is what is in flight. Client
// and broker allocate nothing, so all allocations are the proxy's.
func BenchmarkRelay(b *testing.B) {
	for _, window := range []int{1, 16} {
		requests, answers := conversation(window)
		for name, ids := range map[string]bool{"rewrite": true, "as it is": false} {
			b.Run("window="+strconv.Itoa(window)+"/"+name, func(b *testing.B) { benchmarkRelay(b, requests, answers, window, ids) })
		}
	}
}

// A pull of 100 KiB in messages of 1 KiB, whose store hosts are rewritten, and not.
func BenchmarkPull(b *testing.B) {
	message := storedMessage()
	request := &codec.Command{Code: codec.ReqPullMessage, Version: codec.Version5_5_0, Opaque: 1}
	answer := request.Answer(codec.ResSuccess, "")
	answer.Body = bytes.Repeat(message, 100<<10/len(message))
	for name, ids := range map[string]bool{"rewrite": true, "as it is": false} {
		b.Run(name, func(b *testing.B) {
			benchmarkRelay(b, request.Append(nil, codec.JSON), answer.Append(nil, codec.JSON), 1, ids)
		})
	}
}

// storedMessage is 1 KiB as brokers store it: only its head means something.
func storedMessage() []byte {
	m := make([]byte, 1<<10)
	binary.BigEndian.PutUint32(m, uint32(len(m)))
	binary.BigEndian.PutUint32(m[4:], 0xdaa320a7)
	copy(m[64:], []byte{127, 0, 0, 1, 0, 0, 0x2a, 0x9f})
	return m
}

func benchmarkRelay(b *testing.B, requests, answers []byte, window int, ids bool) {
	nc := dialThroughActors(b, answeringBroker(b, requests, answers), ids)
	got := make([]byte, len(answers))
	turn := func() {
		if _, err := nc.Write(requests); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(nc, got); err != nil {
			b.Fatal(err)
		}
	}
	for range 10 { // dial, lease, fill the pools
		turn()
	}
	b.SetBytes(int64((len(requests) + len(answers)) / window))
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += window {
		turn()
	}
	b.StopTimer()
	require.Equal(b, ids, !bytes.Equal(answers, got), "rewritten")
}

// conversation is n requests as one write, and their answers.
func conversation(n int) (requests, answers []byte) {
	fields := map[string]string{
		"a": "group", "b": "topic", "c": "TBW102", "d": "4", "e": "3", "f": "0", "g": "1700000000000", "h": "0",
		"i": "UNIQ_KEY\x017F0000010A5C18B4AAC21F4F0B8A0000\x02WAIT\x01true\x02", "j": "0", "k": "false", "l": "0", "m": "false", "n": "broker-a",
	}
	for i := range n {
		c := &codec.Command{Code: codec.ReqSendMessageV2, Version: codec.Version5_5_0, Opaque: int32(1000 + i), Ext: fields, Body: make([]byte, 1<<10)}
		requests = c.Append(requests, codec.JSON)
		answer := c.Answer(codec.ResSuccess, "")
		answer.Ext = map[string]string{"msgId": "7F00000100002A9F0000000000000001", "queueId": "3", "queueOffset": "100"}
		answers = answer.Append(answers, codec.JSON)
	}
	return requests, answers
}

// answeringBroker gives the answers each time that as many bytes as the requests have come.
func answeringBroker(b *testing.B, requests, answers []byte) (address string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(func() { ln.Close() })
	go func() {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		defer nc.Close()
		got := make([]byte, len(requests))
		for err == nil {
			if _, err = io.ReadFull(nc, got); err == nil {
				_, err = nc.Write(answers)
			}
		}
	}()
	return ln.Addr().String()
}

// dialThroughActors opens a client connection on a broker's port: all actors that a request meets, and no others.
func dialThroughActors(b *testing.B, broker string, ids bool) net.Conn {
	sockets, stop, err := transport.New(codec.Limits{}, 1<<19, 0, time.Second)
	require.NoError(b, err)
	b.Cleanup(stop)
	e := env.New(sockets, slog.New(slog.DiscardHandler), env.Settings{}, func(why error) { b.Error(why) })
	root := e.System.Root
	root.Spawn(e.Props(func() actor.Actor { return stats.New(e.Runtime, e.Recorders, stats.NewRegistry("bench")) }, nil, nil))
	all := root.Spawn(e.Props(func() actor.Actor { return &connections{env: e} }, nil, nil))
	ln, err := sockets.Listen("127.0.0.1:0")
	require.NoError(b, err)
	b.Cleanup(ln.Close)
	port := &atomic.Pointer[messages.Port]{}
	id := route.BrokerID{Name: "broker-a"}
	of := &messages.Port{
		Listener: "bench", StatPrefix: "bench", Role: messages.BrokerPort, Broker: id,
		To: cluster.NewBroker("bench", route.Broker{BrokerID: id, Address: broker}, sockets),
	}
	if ids {
		l := &Listener{Name: "bench", Advertise: "192.0.2.1", RewriteIDs: true}
		l.own.hosts.Store(newStoreHosts(l.Advertise, map[netip.AddrPort]uint16{netip.MustParseAddrPort("127.0.0.1:10911"): 20000}))
		of.StoreHosts = l.StoreHosts
	}
	port.Store(of)
	root.Spawn(e.Props(func() actor.Actor { return &acceptor{env: e, ln: ln, port: port, connections: all} }, nil, nil))
	nc, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(b, err)
	b.Cleanup(func() {
		nc.Close()
		require.NoError(b, root.PoisonFuture(all).Wait())
	})
	return nc
}
