package actors_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// movedTest is a proxy with broker-a, and a way to have another process take its place while the old one lives.
func movedTest(t *testing.T, test func(t *testing.T, w *world, before, after *server, move func())) {
	t.Helper()
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ns := w.nameServerOf(0, onlyA)
		before, after := w.serve(addressA), w.serve(addressB)
		w.start()
		move := func() {
			ns.answers(knowing(map[string]string{"broker-a": addressB}))
			require.Eventually(t, func() bool { return w.dir.Snapshot().Broker(idA).Address() == addressB }, time.Minute, 100*time.Millisecond)
			synctest.Wait()
		}
		test(t, w, before, after, move)
	})
}

func TestIdleUpstreamFollowsItsBrokerAtOnce(t *testing.T) {
	movedTest(t, func(t *testing.T, w *world, before, after *server, move func()) {
		main, vipClient := w.connect(w.port(idA)), w.connect(vip(w.port(idA)))
		old := w.serve(vip(addressA))
		now := w.serve(vip(addressB))
		require.Equal(t, codec.ResSuccess, main.ask(send()))
		require.Equal(t, codec.ResSuccess, vipClient.ask(send()))
		require.EqualValues(t, 1, before.open.Load())
		require.EqualValues(t, 1, old.open.Load())
		move()
		require.Zero(t, before.open.Load(), "closed at once")
		require.Zero(t, old.open.Load(), "that of the VIP port, too")
		require.Equal(t, codec.ResSuccess, main.ask(send()))
		require.Equal(t, codec.ResSuccess, vipClient.ask(send()))
		require.Len(t, after.requests(), 1)
		require.Len(t, now.requests(), 1)
	})
}

// A send to the old process is answered by it, and what comes after that goes to the new one.
func TestUpstreamFollowsItsBrokerWhenNothingIsInFlight(t *testing.T) {
	movedTest(t, func(t *testing.T, w *world, before, after *server, move func()) {
		before.answers(func(c *codec.Command) *codec.Command {
			time.Sleep(31 * time.Second)
			return c.Answer(codec.ResFlushDiskTimeout, "")
		})
		c := w.connect(w.port(idA))
		c.send(send())
		move()
		require.EqualValues(t, 1, before.open.Load())
		require.Equal(t, codec.ResFlushDiskTimeout, c.next().Code)
		synctest.Wait()
		require.Zero(t, before.open.Load())
		require.Equal(t, codec.ResSuccess, c.ask(send()))
		require.Len(t, after.requests(), 1)
	})
}

func TestUpstreamFollowsItsBrokerAfterThreeSecondsAtTheLatest(t *testing.T) {
	movedTest(t, func(t *testing.T, w *world, before, after *server, move func()) {
		before.answers(func(*codec.Command) *codec.Command { return nil })
		c := w.connect(w.port(idA))
		c.send(send())
		move()
		time.Sleep(2800 * time.Millisecond)
		synctest.Wait()
		require.EqualValues(t, 1, before.open.Load())
		require.Equal(t, codec.ResServiceNotAvailable, c.next().Code)
		synctest.Wait()
		require.Zero(t, before.open.Load())
		require.Equal(t, codec.ResSuccess, c.ask(send()))
		require.Len(t, after.requests(), 1)
	})
}

// A consumer always has a poll that the broker holds. It is registered at the new process before it polls there.
func TestConsumerFollowsItsBrokerAtOnceAndIsRegisteredThere(t *testing.T) {
	for _, poll := range []int32{codec.ReqPullMessage, codec.ReqLitePullMessage, codec.ReqPopMessage, codec.ReqPopMessageEnvoy, codec.ReqNotification} {
		movedTest(t, func(t *testing.T, w *world, before, after *server, move func()) {
			before.answers(heartbeatsOnly)
			c := w.consumer()
			c.send(&codec.Command{Code: poll})
			move()
			require.Zero(t, before.open.Load())
			require.Equal(t, codec.ResServiceNotAvailable, c.next().Code, "it polls again")
			require.Equal(t, codec.ResSuccess, c.ask(&codec.Command{Code: poll}))
			got := after.requests()
			require.Len(t, got, 2)
			require.Equal(t, codec.ReqHeartBeat, got[0].Code)
			require.Equal(t, poll, got[1].Code)
		})
	}
}

// A frame that is on its way to or from the old process is not torn before its time.
func TestUpstreamDoesNotFollowItsBrokerInTheMiddleOfAFrame(t *testing.T) {
	movedTest(t, func(t *testing.T, w *world, before, after *server, move func()) {
		c := w.connect(w.port(idA))
		oneway := &codec.Command{Code: codec.ReqSendMessageV2, Flag: codec.FlagOneway, Opaque: 5, Body: make([]byte, 1000)}
		frame := oneway.Append(nil, codec.JSON)
		c.nc.Write(frame[:600])
		synctest.Wait()
		move()
		time.Sleep(time.Second)
		c.nc.Write(frame[600:])
		require.Len(t, before.requests(), 1)
		require.Zero(t, before.open.Load(), "and then it goes")
		require.Equal(t, codec.ResSuccess, c.ask(send()))
		require.Len(t, after.requests(), 1)
	})
}

// A broker that is away and comes back at another address is found there at once, not by the old address's probes.
func TestLostBrokerIsFoundAtItsNewAddress(t *testing.T) {
	movedTest(t, func(t *testing.T, w *world, before, after *server, move func()) {
		c := w.consumer()
		before.stop()
		require.Equal(t, codec.ResServiceNotAvailable, c.ask(pull()))
		require.True(t, w.refused(w.port(idA)))
		move()
		require.False(t, w.refused(w.port(idA)))
		require.Equal(t, codec.ResSuccess, c.ask(pull()))
		require.Equal(t, codec.ReqHeartBeat, after.requests()[0].Code)
	})
}
