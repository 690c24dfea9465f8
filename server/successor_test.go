package server

import (
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// succession makes a configuration one of processes of which each is the successor of the one before.
func succession(t *testing.T) (succeed func(*config.Config)) {
	t.Helper()
	address, path := freePort(t), filepath.Join(t.TempDir(), "s")
	return func(c *config.Config) { c.Listeners[0].Address, c.HandOver = address, path }
}

// With reuse_port a successor opens the same ports; when the first one drains, nobody is refused and no answer is lost:
// young clients are sent away, old ones are cut off when they have nothing to do.
func TestSuccessorSharesThePorts(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	address := freePort(t)
	dir := t.TempDir()
	share := func(c *config.Config) {
		c.Listeners[0].Address, c.Listeners[0].ReusePort, c.StateDir = address, true, dir
	}
	first := start(t, cl, share)
	young, stopYoung := wander(t, first.broker(), 20, codec.Version5_5_0, false)
	old, stopOld := wander(t, first.broker(), 10, oldClient, true)
	second := start(t, cl, share)
	require.Equal(t, first.broker(), second.broker())
	first.Drain()
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
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	b := cl.Broker("broker-a")
	succeed := succession(t)
	first := start(t, cl, succeed)

	member := dialAs(t, first.broker(), oldClient)
	member.Send(&codec.Command{Code: codec.ReqHeartBeat, Body: []byte(fmt.Sprintf(heartbeatOf, "c1"))})
	require.Equal(t, codec.ResSuccess, member.answer().Code)
	before := b.Clients()
	pulled := member.Send(&codec.Command{Code: codec.ReqPullMessage, Ext: longPull("0")})
	require.NoError(t, b.WaitRequests(patiently(t), codec.ReqPullMessage, 1))
	held := b.Fault(codec.ReqSendMessageV2, embedded.Hold().Once())
	sender := dialAs(t, first.broker(), oldClient)
	sent := sender.Send(sendRequest("hello"))
	require.NoError(t, held.WaitHeld(patiently(t), 1))
	b.Fault(codec.ReqGetMinOffset, embedded.Drop())
	waiter := dialAs(t, first.broker(), oldClient)
	never := waiter.Send(&codec.Command{Code: codec.ReqGetMinOffset, Ext: maxOffset})
	require.NoError(t, b.WaitRequests(patiently(t), codec.ReqGetMinOffset, 1))
	busy, stopBusy := wander(t, first.broker(), 20, oldClient, false)

	// Of the three, two make their system calls through io_uring where they can, and one does not.
	second := start(t, cl, func(c *config.Config) {
		succeed(c)
		c.Transport.IOUring = otherIOUring()
	})
	require.Equal(t, first.broker(), second.broker(), "it has no table of ports but the first one's")
	second.logged("listeners inherited")
	first.Drain()
	first.end()
	first.logged("handing connections over", "connections=23")
	first.logged("connections handed over", "connections=0", "handed_over=23")
	second.logged(`msg="connections adopted" count=23 refused=0 listeners.main=23`)

	// And once more: what was inherited can be inherited.
	start(t, cl, succeed)
	second.Drain()
	second.end()
	second.logged("connections handed over", "connections=0", "handed_over=23")

	asked := sum(busy, func(w *wanderer) int64 { return w.asked.Load() })
	require.Eventually(t, func() bool { return sum(busy, func(w *wanderer) int64 { return w.asked.Load() }) > asked+1000 }, patience, time.Millisecond)
	stopBusy()
	require.Zero(t, sum(busy, func(w *wanderer) int64 { return w.refused.Load() + w.lost.Load() + w.moves.Load() }), "clients that noticed")
	require.Equal(t, before, b.Clients(), "the broker has the same member on the same connection")
	held.Release() // the message wakes the long poll
	answer := sender.answer()
	require.Equal(t, sent, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)
	answer = member.answer()
	require.Equal(t, pulled, answer.Opaque)
	require.Equal(t, codec.ResSuccess, answer.Code)

	// The successor knows what is in flight, and the client's heartbeat: when the broker is lost the one is answered
	// 14, and the member is back by itself.
	require.NoError(t, b.Restart())
	answer = waiter.answer()
	require.Equal(t, never, answer.Opaque)
	require.Equal(t, codec.ResServiceNotAvailable, answer.Code)
	_, err := b.WaitMembers(patiently(t), "g", 1)
	require.NoError(t, err)
}

// A successor that cannot take a connection leaves it where it is.
func TestSuccessorThatRefuses(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	b := cl.Broker("broker-a")
	path := filepath.Join(t.TempDir(), "s")
	first := start(t, cl, func(c *config.Config) { c.HandOver = path })
	c := dialAs(t, first.broker(), oldClient)
	held := b.Fault(codec.ReqGetMinOffset, embedded.Hold())
	c.busy(held)
	second := start(t, cl, func(c *config.Config) { c.HandOver, c.Listeners[0].Name = path, "other" })
	first.Drain()
	first.logged("successor refused a connection", "listener=main", "there is no listener")
	first.logged("connections handed over", "connections=1", "handed_over=0")
	second.logged(`msg="connections adopted" count=0 refused=1`)
	require.Equal(t, codec.ResSuccess, c.code(codec.ReqGetMaxOffset, maxOffset))
	held.Remove()
	require.Equal(t, codec.ResSuccess, c.answer().Code)
	c.Ends()
	first.end()
	require.True(t, second.Ready())
}

// A successor that dies before its predecessor ends does not stop the next one.
func TestSuccessorThatDies(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	succeed := succession(t)
	first := start(t, cl, succeed)
	clients, stop := wander(t, first.broker(), 5, oldClient, false)
	second := start(t, cl, succeed)
	second.kill()
	first.logged("hand_over did not answer, taken back")
	third := start(t, cl, succeed)
	third.logged("listeners inherited")
	first.Drain()
	first.end()
	first.logged("connections handed over", "connections=0", "handed_over=5")
	stop()
	require.Zero(t, sum(clients, func(w *wanderer) int64 { return w.refused.Load() + w.lost.Load() + w.moves.Load() }), "clients that noticed")
}

// One that is started right after another has died waits for the first proxy to take its path back.
func TestSuccessorRightAfterOneThatDied(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	succeed := succession(t)
	first := start(t, cl, succeed)
	start(t, cl, succeed).kill()
	third := start(t, cl, succeed)
	third.logged("listeners inherited")
	require.Equal(t, first.broker(), third.broker())
}

// A proxy that drains without a successor finds only itself at its path.
func TestNoSuccessor(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	path := filepath.Join(t.TempDir(), "s")
	d := start(t, cl, func(c *config.Config) { c.HandOver = path })
	c := dialAs(t, d.broker(), oldClient)
	require.Equal(t, codec.ResSuccess, c.code(codec.ReqGetMaxOffset, maxOffset))
	d.Drain()
	c.Ends()
	d.end()
	require.NotContains(t, d.log.String(), "handing")
	start(t, cl, func(c *config.Config) { c.HandOver = path }) // the path that it has left does not stop it
}

// Each field of a connection is the same before and after a hand-over. What is not set here is not compared: a new field
// of the state has to be given a value by this client.
func TestAConnectionIsTheSameAfterAHandOver(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	b := cl.Broker("broker-a")
	succeed := succession(t)
	first := start(t, cl, succeed)
	c := dialAs(t, first.broker(), oldClient)
	c.Send(&codec.Command{Code: codec.ReqHeartBeat, Body: []byte(fmt.Sprintf(heartbeatOf, "c1"))})
	require.Equal(t, codec.ResSuccess, c.answer().Code)
	b.Fault(codec.ReqGetMinOffset, embedded.Drop())
	for range 3 {
		c.Send(&codec.Command{Code: codec.ReqGetMinOffset, Ext: maxOffset})
	}
	require.NoError(t, b.WaitRequests(patiently(t), codec.ReqGetMinOffset, 3))

	before := look(t, first)
	require.Len(t, before.Pending, 3)
	haveValues(t, reflect.ValueOf(before), "Language", "Silent", "Age", "OnePort") // Java is 0, the client has said something, age passes
	second := start(t, cl, succeed)
	first.Drain()
	first.end()
	require.Equal(t, before, look(t, second))
}

// haveValues wants each field to have a value but some.
func haveValues(t *testing.T, v reflect.Value, but ...string) {
	t.Helper()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		require.True(t, !v.Field(i).IsZero() || slices.Contains(but, name), "%s: give it a value", name)
	}
}

// look returns the state of the only connection, without ages, once these have passed.
func look(t *testing.T, d *running) (state messages.ConnectionState) {
	t.Helper()
	proxytest.Until(t, "time has passed", func() bool {
		moved, err := d.proxy.HandOver(patiently(t), func(p *messages.HandedOverConnection) (messages.HandOverOutcome, error) {
			state = p.State
			state.Pending = slices.Clone(state.Pending)
			return messages.HandOverRefused, nil
		})
		require.NoError(t, err)
		require.Zero(t, moved)
		passed := state.Age > 0
		state.Age = 0
		for i := range state.Pending {
			passed = passed && state.Pending[i].Age > 0
			state.Pending[i].Age = 0
		}
		if state.OnePort != nil {
			for i := range state.OnePort.Pops {
				passed = passed && state.OnePort.Pops[i].Age > 0
				state.OnePort.Pops[i].Age = 0
			}
		}
		return passed
	})
	return state
}
