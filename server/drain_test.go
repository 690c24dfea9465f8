package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
	"github.com/rocketmq-proxy/rocketmq-proxy/server"
)

// drainPatience bounds every wait; nothing needs it when all is well.
const drainPatience = 20 * time.Second

// oldClient understands no GO_AWAY.
const oldClient = codec.Version4_9_4

// drained is a proxy that a test drains.
type drained struct {
	t      *testing.T
	srv    *server.Server
	log    *lockedBuffer
	ended  chan error
	stop   chan struct{}
	kill   func() // ends it without a drain
	broker string // its port for broker-a
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// startDrained starts a proxy in front of cl and waits until it is ready.
func startDrained(t *testing.T, cl *embedded.Cluster, change func(*config.Config)) *drained {
	t.Helper()
	cfg := config.Default()
	cluster, listener := config.DefaultCluster(), config.DefaultListener()
	cluster.NameServers = cl.NameServers()
	listener.Address, listener.BrokerPorts, listener.VIPChannel = "127.0.0.1:0", config.PortRange{}, false
	cfg.Clusters, cfg.Listeners = []config.Cluster{cluster}, []config.Listener{listener}
	cfg.Admin.Address, cfg.DrainTimeout = "127.0.0.1:0", drainPatience
	if change != nil {
		change(cfg)
	}
	cfg.Complete()
	require.NoError(t, config.Validate(cfg))
	d := &drained{t: t, log: &lockedBuffer{}, ended: make(chan error, 1), stop: make(chan struct{})}
	var err error
	d.srv, err = server.Start(cfg, slog.New(slog.NewTextHandler(d.log, nil)))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		d.ended <- d.srv.Serve(ctx, d.stop)
		close(done)
	}()
	d.kill = sync.OnceFunc(func() {
		close(d.stop)
		cancel()
		<-done
	})
	t.Cleanup(d.kill)
	require.Eventually(t, func() bool { return strings.Contains(d.log.String(), "msg=ready") }, drainPatience, time.Millisecond)
	d.broker = fmt.Sprintf("127.0.0.1:%d", d.brokers()[0].Port)
	return d
}

type brokerPlace struct{ Port int }

func (d *drained) brokers() (list []brokerPlace) {
	d.t.Helper()
	require.NoError(d.t, json.Unmarshal([]byte(d.get("/brokers")), &list))
	require.NotEmpty(d.t, list)
	return list
}

// get reads a page of the admin address.
func (d *drained) get(path string) string {
	resp, err := http.Get("http://" + d.srv.AdminAddr() + path)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// logged waits for a line of the log with all these words.
func (d *drained) logged(words ...string) {
	d.t.Helper()
	require.Eventually(d.t, func() bool {
		for line := range strings.Lines(d.log.String()) {
			found := true
			for _, w := range words {
				found = found && strings.Contains(line, w)
			}
			if found {
				return true
			}
		}
		return false
	}, drainPatience, time.Millisecond, "no line with %q in:\n%s", words, d.log)
}

// counted waits until the statistics, which are a moment late, know of n requests in flight.
func (d *drained) counted(n int) {
	d.t.Helper()
	require.Eventually(d.t, func() bool { return strings.Contains(d.get("/stats"), fmt.Sprintf("request_active: %d\n", n)) },
		drainPatience, time.Millisecond)
}

func (d *drained) end() {
	d.t.Helper()
	select {
	case err := <-d.ended:
		require.NoError(d.t, err)
	case <-time.After(2 * drainPatience):
		d.t.Fatalf("the drain has not ended:\n%s", d.log)
	}
}

// caller is a bare client of some version.
type caller struct {
	t       *testing.T
	nc      net.Conn
	r       *bufio.Reader
	version int32
	opaque  int32
}

func callFrom(t *testing.T, address string, version int32) *caller {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	return &caller{t: t, nc: nc, r: bufio.NewReader(nc), version: version}
}

func (c *caller) write(code, flag int32, ext map[string]string, body string) int32 {
	c.t.Helper()
	c.opaque++
	cmd := &codec.Command{Code: code, Flag: flag, Language: codec.Java, Version: c.version, Opaque: c.opaque, Ext: ext, Body: []byte(body)}
	_, err := c.nc.Write(cmd.Append(nil, codec.JSON))
	require.NoError(c.t, err)
	return c.opaque
}

// read returns the next answer; what the broker asks of its own accord is passed over.
func (c *caller) read() *codec.Command {
	c.t.Helper()
	for {
		c.nc.SetReadDeadline(time.Now().Add(drainPatience))
		cmd, _, err := codec.ReadCommand(c.r, codec.Limits{})
		require.NoError(c.t, err)
		if cmd.IsResponse() {
			return cmd
		}
	}
}

func (c *caller) call(code int32, ext map[string]string) *codec.Command {
	c.t.Helper()
	c.write(code, 0, ext, "")
	return c.read()
}

// busy has a request of the caller in flight, so that a drain does not let it go, until the fault is removed.
func (c *caller) busy(held *embedded.FaultHandle) {
	c.t.Helper()
	before := held.Held()
	c.write(codec.ReqGetMinOffset, 0, maxOffset, "")
	require.NoError(c.t, held.WaitHeld(drainContext(c.t), before+1))
}

func (c *caller) closed() {
	c.t.Helper()
	c.nc.SetReadDeadline(time.Now().Add(drainPatience))
	_, _, err := codec.ReadCommand(c.r, codec.Limits{})
	require.Error(c.t, err)
	var timeout net.Error
	require.False(c.t, errors.As(err, &timeout) && timeout.Timeout(), "the connection is still open")
}

var maxOffset = map[string]string{"topic": "T", "queueId": "0"}

func oneMessage() map[string]string {
	return map[string]string{"producerGroup": "pg", "topic": "T", "defaultTopic": "TBW102", "defaultTopicQueueNums": "4", "queueId": "0",
		"sysFlag": "0", "bornTimestamp": "1700000000000", "flag": "0", "properties": "", "reconsumeTimes": "0", "unitMode": "false", "batch": "false"}
}

func longPull(offset string) map[string]string {
	return map[string]string{"consumerGroup": "g", "topic": "T", "queueId": "0", "queueOffset": offset, "maxMsgNums": "32", "sysFlag": "6",
		"commitOffset": "0", "suspendTimeoutMillis": "15000", "subscription": "*", "subVersion": "0", "expressionType": "TAG"}
}

const heartbeatOf = `{"clientID":%q,"consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET","consumeType":"CONSUME_PASSIVELY",` +
	`"groupName":"g","messageModel":"CLUSTERING","subscriptionDataSet":[{"classFilterMode":false,"codeSet":[],"expressionType":"TAG",` +
	`"subString":"*","subVersion":1,"tagsSet":[],"topic":"T"}],"unitMode":false}],"producerDataSet":[]}`

func drainCluster(t *testing.T) (*embedded.Cluster, *embedded.Broker) {
	t.Helper()
	cl, err := embedded.Start(embedded.Options{})
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, cl.CreateTopic("T", 4))
	return cl, cl.Broker("broker-a")
}

func drainContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), drainPatience)
	t.Cleanup(cancel)
	return ctx
}

// What is in flight is answered; of what comes later only clients above 5.3.1 are sent away, and never a oneway
// request; then the connections close.
func TestDrainFinishesWhatIsInFlight(t *testing.T) {
	cl, b := drainCluster(t)
	d := startDrained(t, cl, nil)
	held := b.Fault(codec.ReqSendMessage, embedded.Hold().Once())
	young, old := callFrom(t, d.broker, codec.Version5_5_0), callFrom(t, d.broker, oldClient)
	edge, names := callFrom(t, d.broker, codec.Version5_3_1), callFrom(t, d.srv.Addr("main"), codec.Version5_5_0)
	others := b.Fault(codec.ReqGetMinOffset, embedded.Hold())
	old.busy(others)
	edge.busy(others)
	asked := cl.NameServer(0).Fault(codec.ReqGetAllTopicListFromNameServer, embedded.Hold())
	names.write(codec.ReqGetAllTopicListFromNameServer, 0, nil, "")
	require.NoError(t, asked.WaitHeld(drainContext(t), 1))
	sent := young.write(codec.ReqSendMessage, 0, oneMessage(), "hello")
	require.NoError(t, held.WaitHeld(drainContext(t), 1))
	d.counted(4)

	d.srv.Drain()
	d.srv.Drain() // twice is once
	d.logged("not ready any more", "connections=4", "in_flight=4")
	d.logged("accepting nobody", "connections=4")
	d.logged("letting clients go")
	require.False(t, d.srv.Ready())
	_, err := net.Dial("tcp", d.broker)
	require.Error(t, err)

	oneway := b.Requests(codec.ReqSendMessageV2)
	young.write(codec.ReqSendMessageV2, codec.FlagOneway, map[string]string{"a": "pg", "b": "T", "c": "TBW102", "d": "4", "e": "0", "f": "0", "g": "1700000000000", "h": "0"}, "oneway")
	refused := young.write(codec.ReqGetMaxOffset, 0, maxOffset, "")
	away := young.read()
	require.Equal(t, refused, away.Opaque)
	require.Equal(t, codec.ResGoAway, away.Code)
	require.NoError(t, b.WaitRequests(drainContext(t), codec.ReqSendMessageV2, oneway+1))
	for _, c := range []*caller{old, edge} {
		require.Equal(t, codec.ResSuccess, c.call(codec.ReqGetMaxOffset, maxOffset).Code, "it does not know 1500")
	}
	require.Equal(t, codec.ResGoAway, names.call(codec.ReqGetRouteInfoByTopic, map[string]string{"topic": "T"}).Code)

	held.Release()
	answer := young.read()
	require.Equal(t, sent, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)
	others.Remove()
	asked.Remove()
	for _, c := range []*caller{old, edge, names} {
		require.Equal(t, codec.ResSuccess, c.read().Code)
	}
	for _, c := range []*caller{young, old, edge, names} {
		c.closed()
	}
	d.end()
	d.logged("msg=drained")
}

func TestDrainSendsNobodyAwayWhenToldNotTo(t *testing.T) {
	cl, b := drainCluster(t)
	d := startDrained(t, cl, func(c *config.Config) { c.DrainGoAway = false })
	young := callFrom(t, d.broker, codec.Version5_5_0)
	held := b.Fault(codec.ReqGetMinOffset, embedded.Hold())
	young.busy(held)
	d.srv.Drain()
	d.logged("letting clients go")
	require.Equal(t, codec.ResSuccess, young.call(codec.ReqGetMaxOffset, maxOffset).Code)
	held.Remove()
	require.Equal(t, codec.ResSuccess, young.read().Code)
	young.closed()
	d.end()
}

// A long poll keeps its connection until the broker answers it.
func TestDrainWaitsForALongPoll(t *testing.T) {
	cl, b := drainCluster(t)
	d := startDrained(t, cl, nil)
	c := callFrom(t, d.broker, oldClient)
	c.write(codec.ReqHeartBeat, 0, nil, fmt.Sprintf(heartbeatOf, "c1"))
	require.Equal(t, codec.ResSuccess, c.read().Code)
	pulled := c.write(codec.ReqPullMessage, 0, longPull("0"), "")
	require.NoError(t, b.WaitRequests(drainContext(t), codec.ReqPullMessage, 1))
	d.counted(1)
	d.srv.Drain()
	d.logged("letting clients go", "connections=1", "in_flight=1")
	producer, err := net.Dial("tcp", b.Addr())
	require.NoError(t, err)
	defer producer.Close()
	direct := &caller{t: t, nc: producer, r: bufio.NewReader(producer), version: oldClient}
	direct.write(codec.ReqSendMessage, 0, oneMessage(), "wake up")
	require.Equal(t, codec.ResSuccess, direct.read().Code)
	answer := c.read()
	require.Equal(t, pulled, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)
	c.closed()
	d.end()
}

func TestDrainTimeoutCutsOff(t *testing.T) {
	cl, b := drainCluster(t)
	d := startDrained(t, cl, func(c *config.Config) { c.DrainTimeout = 300 * time.Millisecond })
	held := b.Fault(codec.ReqSendMessage, embedded.Hold())
	c := callFrom(t, d.broker, oldClient)
	c.write(codec.ReqSendMessage, 0, oneMessage(), "x")
	require.NoError(t, held.WaitHeld(drainContext(t), 1))
	d.srv.Drain()
	c.closed()
	d.end()
	d.logged("drain_timeout is over", "connections=1", "in_flight=1")
}

// For drain_delay everything goes on, except that the proxy is not ready.
func TestDrainDelay(t *testing.T) {
	cl, _ := drainCluster(t)
	d := startDrained(t, cl, func(c *config.Config) { c.DrainDelay = time.Hour })
	d.srv.Drain()
	d.logged("not ready any more", "drain_delay=1h")
	resp, err := http.Get("http://" + d.srv.AdminAddr() + "/readyz")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	c := callFrom(t, d.broker, codec.Version5_5_0)
	require.Equal(t, codec.ResSuccess, c.call(codec.ReqGetMaxOffset, maxOffset).Code)
	d.kill() // a second signal does not wait for it
	require.ErrorIs(t, <-d.ended, server.ErrStoppedAtOnce)
}

// freeAddress returns an address that nobody listens on at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	port, err := freeport.Range(1)
	require.NoError(t, err)
	return freeport.Loopback(port)
}

// wanderer is a client that works until it is told to stop, and connects again whenever it is sent away or cut off.
type wanderer struct {
	version       int32
	idle          bool // until it is cut off for the first time
	asked         atomic.Int64
	lost, refused atomic.Int64 // requests without an answer, connections that failed
	moves         atomic.Int64
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
		cmd := &codec.Command{Code: codec.ReqGetMaxOffset, Language: codec.Java, Version: w.version, Opaque: opaque, Ext: maxOffset}
		nc.Write(cmd.Append(nil, codec.JSON))
		answer, _, err := codec.ReadCommand(r, codec.Limits{})
		switch {
		case err != nil:
			w.lost.Add(1)
			drop()
			continue
		case answer.Code == codec.ResGoAway:
			drop()
			continue
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
	stop := make(chan struct{})
	var group sync.WaitGroup
	all := make([]*wanderer, n)
	for i := range all {
		all[i] = &wanderer{version: version, idle: idle}
		group.Go(func() { all[i].run(address, stop) })
	}
	halt := sync.OnceFunc(func() { close(stop); group.Wait() })
	t.Cleanup(halt)
	require.Eventually(t, func() bool {
		for _, w := range all {
			if w.asked.Load() == 0 {
				return false
			}
		}
		return true
	}, drainPatience, time.Millisecond)
	return all, halt
}

// With reuse_port a successor opens the same ports; when the first one drains, nobody is refused and no answer is lost:
// young clients are sent away, old ones are cut off when they have nothing to do.
func TestSuccessorSharesThePorts(t *testing.T) {
	cl, _ := drainCluster(t)
	address := freeAddress(t)
	dir := t.TempDir()
	share := func(c *config.Config) {
		c.Listeners[0].Address, c.Listeners[0].ReusePort, c.StateDir = address, true, dir
	}
	first := startDrained(t, cl, share)
	young, stopYoung := wander(t, first.broker, 20, codec.Version5_5_0, false)
	old, stopOld := wander(t, first.broker, 10, oldClient, true)
	second := startDrained(t, cl, share)
	require.Equal(t, first.broker, second.broker)
	first.srv.Drain()
	first.end()
	stopYoung()
	stopOld()
	for _, all := range [][]*wanderer{young, old} {
		require.Zero(t, sum(all, func(w *wanderer) int64 { return w.refused.Load() }), "refused connections")
		require.Zero(t, sum(all, func(w *wanderer) int64 { return w.lost.Load() }), "requests without an answer")
		require.EqualValues(t, len(all), sum(all, func(w *wanderer) int64 { return w.moves.Load() }), "each client moves once")
	}
	first.logged("msg=drained")
}

// With hand_over no client notices: connections, registrations and requests in flight go on in the successor.
func TestSuccessorIsHandedTheConnections(t *testing.T) {
	cl, b := drainCluster(t)
	address, path := freeAddress(t), filepath.Join(t.TempDir(), "s")
	succeed := func(c *config.Config) { c.Listeners[0].Address, c.HandOver = address, path }
	first := startDrained(t, cl, succeed)

	member := callFrom(t, first.broker, oldClient)
	member.write(codec.ReqHeartBeat, 0, nil, fmt.Sprintf(heartbeatOf, "c1"))
	require.Equal(t, codec.ResSuccess, member.read().Code)
	before := b.Clients()
	pulled := member.write(codec.ReqPullMessage, 0, longPull("0"), "")
	require.NoError(t, b.WaitRequests(drainContext(t), codec.ReqPullMessage, 1))
	held := b.Fault(codec.ReqSendMessage, embedded.Hold().Once())
	sender := callFrom(t, first.broker, oldClient)
	sent := sender.write(codec.ReqSendMessage, 0, oneMessage(), "hello")
	require.NoError(t, held.WaitHeld(drainContext(t), 1))
	b.Fault(codec.ReqGetMinOffset, embedded.Drop())
	waiter := callFrom(t, first.broker, oldClient)
	never := waiter.write(codec.ReqGetMinOffset, 0, maxOffset, "")
	require.NoError(t, b.WaitRequests(drainContext(t), codec.ReqGetMinOffset, 1))
	busy, stopBusy := wander(t, first.broker, 20, oldClient, false)

	second := startDrained(t, cl, succeed)
	require.Equal(t, first.broker, second.broker, "it has no table of ports but the first one's")
	second.logged("sharing the ports of the running proxy")
	first.srv.Drain()
	first.end()
	first.logged("handing connections over", "connections=23")
	first.logged("handed over", "connections=0", "handed_over=23")
	second.logged(`msg="connections were taken over" connections=23 refused=0 listeners.main=23`)

	// And once more: what was inherited can be inherited.
	startDrained(t, cl, succeed)
	second.srv.Drain()
	second.end()
	second.logged("handed over", "connections=0", "handed_over=23")

	asked := sum(busy, func(w *wanderer) int64 { return w.asked.Load() })
	require.Eventually(t, func() bool { return sum(busy, func(w *wanderer) int64 { return w.asked.Load() }) > asked+1000 }, drainPatience, time.Millisecond)
	stopBusy()
	require.Zero(t, sum(busy, func(w *wanderer) int64 { return w.refused.Load() + w.lost.Load() + w.moves.Load() }), "clients that noticed")
	require.Equal(t, before, b.Clients(), "the broker has the same member on the same connection")
	held.Release() // the message wakes the long poll
	answer := sender.read()
	require.Equal(t, sent, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)
	answer = member.read()
	require.Equal(t, pulled, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)

	// The successor knows what is in flight, and the client's heartbeat: when the broker is lost the one is answered
	// 14, and the member is back by itself.
	require.NoError(t, b.Restart())
	answer = waiter.read()
	require.Equal(t, never, answer.Opaque)
	require.Equal(t, codec.ResServiceNotAvailable, answer.Code)
	_, err := b.WaitMembers(drainContext(t), "g", 1)
	require.NoError(t, err)
}

// A successor that cannot take a connection leaves it where it is.
func TestSuccessorThatRefuses(t *testing.T) {
	cl, b := drainCluster(t)
	path := filepath.Join(t.TempDir(), "s")
	first := startDrained(t, cl, func(c *config.Config) { c.HandOver = path })
	c := callFrom(t, first.broker, oldClient)
	held := b.Fault(codec.ReqGetMinOffset, embedded.Hold())
	c.busy(held)
	second := startDrained(t, cl, func(c *config.Config) { c.HandOver, c.Listeners[0].Name = path, "other" })
	first.srv.Drain()
	first.logged("does not take a connection", "there is no listener main")
	first.logged("handed over", "connections=1", "handed_over=0")
	second.logged(`msg="connections were taken over" connections=0 refused=1`)
	require.Equal(t, codec.ResSuccess, c.call(codec.ReqGetMaxOffset, maxOffset).Code)
	held.Remove()
	require.Equal(t, codec.ResSuccess, c.read().Code)
	c.closed()
	first.end()
	require.True(t, second.srv.Ready())
}

// A successor that dies before its predecessor ends is no obstacle for the next one.
func TestSuccessorThatDies(t *testing.T) {
	cl, _ := drainCluster(t)
	address, path := freeAddress(t), filepath.Join(t.TempDir(), "s")
	succeed := func(c *config.Config) { c.Listeners[0].Address, c.HandOver = address, path }
	first := startDrained(t, cl, succeed)
	clients, stop := wander(t, first.broker, 5, oldClient, false)
	second := startDrained(t, cl, succeed)
	second.kill()
	first.logged("took it back")
	third := startDrained(t, cl, succeed)
	third.logged("sharing the ports of the running proxy")
	first.srv.Drain()
	first.end()
	first.logged("handed over", "connections=0", "handed_over=5")
	stop()
	require.Zero(t, sum(clients, func(w *wanderer) int64 { return w.refused.Load() + w.lost.Load() + w.moves.Load() }), "clients that noticed")
}

// One that is started right after another has died waits for the first proxy to take its path back.
func TestSuccessorRightAfterOneThatDied(t *testing.T) {
	cl, _ := drainCluster(t)
	address, path := freeAddress(t), filepath.Join(t.TempDir(), "s")
	succeed := func(c *config.Config) { c.Listeners[0].Address, c.HandOver = address, path }
	first := startDrained(t, cl, succeed)
	startDrained(t, cl, succeed).kill()
	third := startDrained(t, cl, succeed)
	third.logged("sharing the ports of the running proxy")
	require.Equal(t, first.broker, third.broker)
}

// A proxy that drains without a successor finds only itself at its path.
func TestNoSuccessor(t *testing.T) {
	cl, _ := drainCluster(t)
	path := filepath.Join(t.TempDir(), "s")
	d := startDrained(t, cl, func(c *config.Config) { c.HandOver = path })
	c := callFrom(t, d.broker, oldClient)
	c.call(codec.ReqGetMaxOffset, maxOffset)
	d.srv.Drain()
	c.closed()
	d.end()
	require.NotContains(t, d.log.String(), "handing")
	startDrained(t, cl, func(c *config.Config) { c.HandOver = path }) // the path that it has left is no obstacle
}
