package server

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// A listener that was removed while a request was in flight, and added again, is succeeded like any other: the
// successor inherits the sockets of the new one, and connections of both go over.
func TestAListenerThatCameBackIsHandedOver(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	path, dir := filepath.Join(t.TempDir(), "s"), t.TempDir()
	kept := "hand_over = '" + path + "'\nstate_dir = '" + dir + "'\n" + clusterTable("main", cl.NameServers()...) + listenerTable("kept", freePort(t), "")
	back := listenerTable("back", freePort(t), "")
	first := serveFile(t, kept+back)
	before := first.toBroker("back", "broker-a")
	held := cl.Broker("broker-a").Fault(codec.ReqSendMessageV2, embedded.Hold().Once())
	before.Send(sendRequest("answered late"))
	require.NoError(t, held.WaitHits(t.Context(), 1))
	first.change(kept)
	first.change(kept + back)
	first.await(func() bool { return first.Addr("back") != "" }, "it is open again")
	require.True(t, first.has("listener/back"), "the old one is still there")
	after := first.toBroker("back", "broker-a")
	after.mustSend("before the hand-over")

	second := serveFile(t, kept+back)
	second.await(second.Ready, "ready")
	first.Drain()
	first.await(func() bool { return strings.Contains(first.log.String(), "msg=drained") }, "drained")
	require.Contains(t, first.log.String(), "handed_over=")
	after.mustSend("after the hand-over")
	held.Release()
	answer := before.Next()
	require.Equal(t, codec.ResSuccess, answer.Code)
	second.toBroker("back", "broker-a").mustSend("a new client")
	require.Equal(t, first.config().Listeners[1].Address, second.Addr("back"))
}

// Connections come by page, of those that a filter chooses; what clients call themselves is cut.
func TestConnectionsAreFilteredAndPaged(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, clusterTable("main", cl.NameServers()...)+listenerTable("one", "127.0.0.1:0", "")+listenerTable("two", "127.0.0.1:0", ""))
	for i := range 5 {
		c := f.toBroker("one", "broker-a")
		id := fmt.Sprintf("member-%d-%s", i, strings.Repeat("é", 1000))
		c.Send(&codec.Command{Code: codec.ReqHeartBeat, Body: []byte(fmt.Sprintf(heartbeatOf, id))})
		require.Equal(t, codec.ResSuccess, c.answer().Code)
	}
	f.toBroker("two", "broker-a").mustSend("hello")
	list := func(filter actors.Filter, page actors.Page) ([]*actors.Connection, int) {
		return f.proxy.Connections(t.Context(), filter, page)
	}
	found, total := list(actors.Filter{Listener: "one", Broker: "broker-a/0"}, actors.Page{Sort: "client_id", Offset: 1, Limit: 2})
	require.Equal(t, 5, total)
	require.Len(t, found, 2)
	for i, c := range found {
		require.True(t, strings.HasPrefix(c.ClientID, fmt.Sprintf("member-%d-é", i+1)), c.ClientID)
		require.LessOrEqual(t, len(c.ClientID), 256)
		require.True(t, strings.HasSuffix(c.ClientID, "é…"), "it is cut between two characters")
	}
	_, total = list(actors.Filter{Search: "MEMBER-3"}, actors.Page{})
	require.Equal(t, 1, total)
	found, total = list(actors.Filter{Listener: "one", Upstream: true}, actors.Page{Offset: 4, Limit: 100})
	require.Equal(t, 5, total)
	require.Len(t, found, 1)
	_, total = list(actors.Filter{Listener: "three"}, actors.Page{Limit: 10})
	require.Zero(t, total)
	require.Equal(t, f.connections(), func() int { _, n := list(actors.Filter{}, actors.Page{}); return n }())
}

// Events come as they happen; a reader that does not read loses them and holds nobody up.
func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	base := clusterTable("main", cl.NameServers()...) + listenerTable("kept", "127.0.0.1:0", "")
	f := serveFile(t, base)
	reader, sleeper := f.proxy.Events(100), f.proxy.Events(1)
	defer reader.Close()
	next := func(kind any) *actors.Event {
		t.Helper()
		for {
			select {
			case e := <-reader.Events:
				if e.Kind == kind {
					require.WithinDuration(t, time.Now(), e.At, time.Minute)
					return e
				}
			case <-time.After(patience):
				require.Fail(t, "no event", "%v", kind)
			}
		}
	}
	f.change(base + listenerTable("more", "127.0.0.1:0", ""))
	require.Equal(t, "more", next(actors.ListenerOpened).Listener)
	f.change(base)
	require.Equal(t, "more", next(actors.ListenerClosed).Listener)
	c := f.toBroker("kept", "broker-a")
	c.mustSend("hello")
	cl.Broker("broker-a").Stop()
	_, _ = c.Try(sendRequest("to nobody")) // the dial finds out
	lost := next(actors.BrokerUnreachable)
	require.Equal(t, "broker-a/0", lost.Broker)
	require.NotEmpty(t, lost.Reason)
	require.NoError(t, cl.Broker("broker-a").Restart())
	require.Equal(t, "broker-a/0", next(actors.BrokerRecovered).Broker)
	require.Len(t, sleeper.Events, 1)
	require.GreaterOrEqual(t, sleeper.Missed(), uint64(3))
	sleeper.Close()
}
