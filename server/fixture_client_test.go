package server

import (
	"bufio"
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// oldClient understands no GO_AWAY.
const oldClient = codec.Version4_9_4

// client is a client that uses the topic "News" as real ones do.
type client struct{ *proxytest.Client }

func dial(t testing.TB, address string) *client { return dialAs(t, address, codec.Version5_5_0) }

func dialAs(t testing.TB, address string, version int32) *client {
	t.Helper()
	c := &client{proxytest.Dial(t, address)}
	c.Version = version
	return c
}

// toBroker dials the port of a broker behind a listener.
func (f *fixture) toBroker(listener, broker string) *client {
	f.t.Helper()
	return dial(f.t, dial(f.t, f.Addr(listener)).brokers("News")[broker])
}

// answer returns the next answer; what the broker asks of its own accord is passed over.
func (c *client) answer() *codec.Command {
	c.T.Helper()
	for {
		if a := c.Next(); a.IsResponse() {
			return a
		}
	}
}

// code asks and returns the code of the answer.
func (c *client) code(code int32, ext map[string]string) int32 {
	c.T.Helper()
	c.Send(&codec.Command{Code: code, Ext: ext})
	return c.answer().Code
}

func sendRequest(body string) *codec.Command {
	return &codec.Command{Code: codec.ReqSendMessageV2, Ext: sendExt, Body: []byte(body)}
}

var sendExt = map[string]string{"a": "g", "b": "News", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "0", "h": "0", "i": "", "j": "0", "k": "false", "m": "false"}

// mustSend sends a message and wants success.
func (c *client) mustSend(body string) *codec.Command {
	c.T.Helper()
	answer := c.Call(sendRequest(body))
	require.Equal(c.T, codec.ResSuccess, answer.Code, answer.Remark)
	return answer
}

// brokers asks for a topic's route and returns the addresses by broker name.
func (c *client) brokers(topic string) map[string]string {
	c.T.Helper()
	answer := c.Call(proxytest.RouteRequest(topic))
	require.Equal(c.T, codec.ResSuccess, answer.Code, answer.Remark)
	list, err := rewrite.TopicRouteBrokers(answer.Body)
	require.NoError(c.T, err)
	addresses := map[string]string{}
	for _, b := range list {
		addresses[b.Name] = b.Address
	}
	return addresses
}

// busy has a request of the client in flight, so that a drain does not let it go, until the fault is removed.
func (c *client) busy(held *embedded.FaultHandle) {
	c.T.Helper()
	before := held.Held()
	c.Send(&codec.Command{Code: codec.ReqGetMinOffset, Ext: maxOffset})
	require.NoError(c.T, held.WaitHeld(patiently(c.T), before+1))
}

var maxOffset = map[string]string{"topic": "News", "queueId": "0"}

func longPull(offset string) map[string]string {
	return map[string]string{
		"consumerGroup": "g", "topic": "News", "queueId": "0", "queueOffset": offset, "maxMsgNums": "32", "sysFlag": "6",
		"commitOffset": "0", "suspendTimeoutMillis": "15000", "subscription": "*", "subVersion": "0", "expressionType": "TAG",
	}
}

const heartbeatOf = `{"clientID":%q,"consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","consumeType":"CONSUME_PASSIVELY",` +
	`"groupName":"g","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"TAG",` +
	`"subString":"*","subVersion":1,"tagsSet":[],"topic":"News"}],"unitMode":false}],"producerDataSet":[]}`

// patiently is a context for what must come.
func patiently(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// wanderer is a client that works until it is told to stop, and connects again whenever it is sent away or cut off.
type wanderer struct {
	version       int32
	idle          bool // until it is cut off for the first time
	asked         atomic.Int64
	lost, refused atomic.Int64 // requests without an answer, connections that failed
	moves         atomic.Int64
	failed        atomic.Int64                      // answers that are not success
	ask           func(opaque int32) *codec.Command // what is asked next; nil: always the same
}

func (w *wanderer) run(address string, stop <-chan struct{}) {
	var nc net.Conn
	var r *bufio.Reader
	var opaque int32
	drop := func() { nc.Close(); nc = nil; w.moves.Add(1) }
	for {
		select {
		case <-stop:
			if nc != nil {
				nc.Close()
			}
			return
		default:
		}
		if nc == nil {
			var err error
			if nc, err = net.Dial("tcp", address); err != nil {
				w.refused.Add(1)
				continue
			}
			r = bufio.NewReader(nc)
		}
		opaque++
		cmd := &codec.Command{Code: codec.ReqGetMaxOffset, Ext: maxOffset}
		if w.ask != nil {
			cmd = w.ask(opaque)
		}
		cmd.Language, cmd.Version, cmd.Opaque = codec.Java, w.version, opaque
		nc.Write(cmd.Append(nil, codec.JSON))
		answer, _, err := codec.ReadCommand(r, codec.Limits{})
		for err == nil && !answer.IsResponse() { // what brokers ask of their own accord
			answer, _, err = codec.ReadCommand(r, codec.Limits{})
		}
		switch {
		case err != nil:
			w.lost.Add(1)
			drop()
			continue
		case answer.Code == codec.ResGoAway:
			drop()
			continue
		case answer.Code != codec.ResSuccess || answer.Opaque != opaque:
			w.failed.Add(1)
		}
		w.asked.Add(1)
		if w.idle {
			r.ReadByte() // the end
			drop()
			w.idle = false
		}
	}
}

func sum(all []*wanderer, of func(*wanderer) int64) (n int64) {
	for _, w := range all {
		n += of(w)
	}
	return n
}

// wander starts clients; the returned function stops them.
func wander(t *testing.T, address string, n int, version int32, idle bool) ([]*wanderer, func()) {
	all := make([]*wanderer, n)
	for i := range all {
		all[i] = &wanderer{version: version, idle: idle}
	}
	return all, runAll(t, address, all)
}

// runAll has clients work until the returned function stops them, and returns when each has been answered.
func runAll(t *testing.T, address string, all []*wanderer) (halt func()) {
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() { all[i].run(address, stop) })
	}
	halt = sync.OnceFunc(func() { close(stop); group.Wait() })
	t.Cleanup(halt)
	require.Eventually(t, func() bool {
		for _, w := range all {
			if w.asked.Load() == 0 {
				return false
			}
		}
		return true
	}, patience, time.Millisecond)
	return halt
}
