package actors_test

import (
	"io"
	"math"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// lossTest is a proxy with one name server and the brokers a and b.
func lossTest(t *testing.T, test func(t *testing.T, w *world, a *server)) {
	t.Helper()
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		w.nameServerOf(0, map[string]string{"broker-a": addressA, "broker-b": addressB})
		a := w.serve(addressA)
		w.serve(addressB)
		w.start()
		require.True(t, w.at.Open())
		test(t, w, a)
	})
}

func pull() *codec.Command { return &codec.Command{Code: codec.ReqPullMessage} }
func send() *codec.Command { return &codec.Command{Code: codec.ReqSendMessageV2} }

// vip is the address of the VIP port of a broker's port.
func vip(address string) string {
	a := netip.MustParseAddrPort(address)
	return netip.AddrPortFrom(a.Addr(), a.Port()-2).String()
}

// heartbeatsOnly answers heartbeats only.
func heartbeatsOnly(c *codec.Command) *codec.Command {
	if c.Code == codec.ReqHeartBeat {
		return c.Answer(codec.ResSuccess, "")
	}
	return nil
}

// consumer connects a registered consumer to broker-a.
func (w *world) consumer() *guest {
	g := w.connect(w.port(idA))
	require.Equal(w.t, codec.ResSuccess, g.ask(consumerHeartbeat()))
	return g
}

func TestDeadBrokerCostsNoDialForEachRequest(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		c := w.consumer()
		a.stop()
		before := w.v.dialed(addressA)
		for range 500 {
			require.Equal(t, codec.ResServiceNotAvailable, c.ask(pull()))
		}
		require.Equal(t, before, w.v.dialed(addressA), "dials while 500 requests were answered")

		time.Sleep(time.Minute)
		broker := w.dir.Snapshot().Broker(idA)
		require.True(t, broker.Away())
		require.InDelta(t, 60, w.v.dialed(addressA)-before, 15, "one prober looks about once a second")
		require.Equal(t, uint64(w.v.dialed(addressA)), broker.Dials.Load())
		require.Equal(t, broker.Dials.Load()-1, broker.Failures.Load(), "all failed but the first")
		before = w.v.dialed(addressA)
		require.Equal(t, codec.ResServiceNotAvailable, c.ask(pull()))
		require.Equal(t, before, w.v.dialed(addressA), "also after any back-off of its own")
	})
}

func TestPortIsClosedWhileItsBrokerIsAway(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		port := w.port(idA)
		w.consumer()
		a.stop()
		require.True(t, w.refused(port))
		require.True(t, w.refused(vip(port)))
		require.False(t, w.refused(w.port(idB)), "the other broker's port")
		require.False(t, w.refused("127.0.0.1:9876"), "the name-server port")
		require.Len(t, w.log.Lines("broker unreachable"), 1)

		_, err := w.v.listen(port)
		require.ErrorIs(t, err, syscall.EADDRINUSE, "nobody else gets the port meanwhile")

		time.Sleep(45 * time.Second)
		a.restart()
		time.Sleep(2 * time.Second)
		require.Equal(t, port, w.port(idA))
		require.False(t, w.refused(vip(port)))
		require.Equal(t, codec.ResSuccess, w.connect(port).ask(send()))
		require.Len(t, w.log.Lines("broker recovered"), 1)
	})
}

func TestConsumerIsKeptAndRegisteredAgain(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		a.answers(heartbeatsOnly)
		c := w.consumer()
		c.send(pull())
		a.stop()
		require.Equal(t, codec.ResServiceNotAvailable, c.next().Code, "what waited")
		for range 5 { // as clients do, every 3 s
			require.Equal(t, codec.ResServiceNotAvailable, c.ask(pull()))
			time.Sleep(3 * time.Second)
		}
		a.requests()
		a.restart()
		time.Sleep(2 * time.Second)
		got := a.requests()
		require.Len(t, got, 1, "the client has sent nothing since")
		require.Equal(t, codec.ReqHeartBeat, got[0].Code)
		require.Equal(t, int32(math.MinInt32), got[0].Opaque)
		require.Equal(t, consumerHeartbeat().Body, got[0].Body)
		c.open()
		c.send(pull())
		require.Equal(t, codec.ReqPullMessage, a.requests()[0].Code)
	})
}

// A broker tells the members of a group about a new one (40). Who is registered by the replay has no use for that
// before it has learned that the broker is back.
func TestConsumerIsNotifiedAgainWhenItKnows(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		c := w.consumer()
		a.stop()
		time.Sleep(45 * time.Second)
		a.restart()
		time.Sleep(10 * time.Second)
		c.open()
		c.send(consumerHeartbeat())
		push := c.next()
		require.Equal(t, codec.ReqNotifyConsumerIDsChanged, push.Code)
		require.True(t, push.IsOneway())
		require.Equal(t, "g", push.Ext["consumerGroup"])
		require.True(t, c.next().IsResponse(), "the heartbeat's answer")
		require.Equal(t, codec.ResSuccess, c.ask(consumerHeartbeat()), "only once")
		c.open()
	})
}

func TestProducersConnectionBreaksOncePortIsClosed(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		a.answers(heartbeatsOnly)
		port := w.port(idA)
		p := w.connect(port)
		require.Equal(t, codec.ResSuccess, p.ask(producerHeartbeat()))
		p.send(send())
		a.stop()
		require.True(t, w.refused(port))
		p.broken()
	})
}

func TestProducersConnectionBreaksAlsoWhenItsBrokerIsThereAgain(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		a.answers(heartbeatsOnly)
		p := w.connect(w.port(idA))
		require.Equal(t, codec.ResSuccess, p.ask(producerHeartbeat()))
		p.send(send())
		a.mu.Lock()
		conn := a.conns[0]
		a.mu.Unlock()
		conn.Close() // this connection only
		p.broken()
		require.False(t, w.refused(w.port(idA)))
	})
}

func TestOtherClientsAreAnsweredThenRefused(t *testing.T) {
	f := func(name string, prepare func(g *guest)) {
		t.Run(name, func(t *testing.T) {
			lossTest(t, func(t *testing.T, w *world, a *server) {
				a.answers(heartbeatsOnly)
				g := w.connect(w.port(idA))
				prepare(g)
				g.send(send())
				g.send(send())
				a.stop()
				require.Equal(t, codec.ResServiceNotAvailable, g.next().Code)
				require.Equal(t, codec.ResServiceNotAvailable, g.next().Code)
				g.broken()
				require.True(t, w.refused(w.port(idA)))
			})
		})
	}
	f("Go producer", func(g *guest) {
		g.language = codec.Go
		require.Equal(t, codec.ResSuccess, g.ask(producerHeartbeat()))
	})
	f("Go consumer", func(g *guest) {
		g.language = codec.Go
		require.Equal(t, codec.ResSuccess, g.ask(consumerHeartbeat()))
	})
	f("without a heartbeat", func(*guest) {})
}

func TestClientWithoutRequestsInFlightIsRefusedToo(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		p := w.connect(w.port(idA))
		require.Equal(t, codec.ResSuccess, p.ask(producerHeartbeat()))
		a.stop()
		p.broken()
	})
}

// An upstream that ends while nothing waits, as after 120 s without traffic, is no reason to disturb anybody.
func TestIdleUpstreamThatEndsDisturbsNobody(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		p := w.connect(w.port(idA))
		require.Equal(t, codec.ResSuccess, p.ask(send()))
		a.mu.Lock()
		conn := a.conns[0]
		a.mu.Unlock()
		conn.Close()
		synctest.Wait()
		p.open()
		require.Equal(t, codec.ResSuccess, p.ask(send()))
	})
}

func TestHalfDeadBrokerIsNotLost(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		a.answers(func(*codec.Command) *codec.Command { return nil })
		c := w.connect(w.port(idA))
		c.send(consumerHeartbeat())
		p := w.connect(w.port(idA))
		p.send(send())
		time.Sleep(time.Minute)
		c.open()
		p.open()
		require.False(t, w.refused(w.port(idA)))
		require.False(t, w.dir.Snapshot().Broker(idA).Away())
	})
}

func TestDialThatTakesTooLongIsLookedIntoFirst(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		w.v.fail(addressA, nil)
		c := w.connect(w.port(idA))
		require.Equal(t, codec.ResServiceNotAvailable, c.ask(send()))
		broker := w.dir.Snapshot().Broker(idA)
		synctest.Wait()
		require.False(t, broker.Away(), "one dial that took too long may be the broker's load")
		time.Sleep(3 * time.Second)
		require.True(t, broker.Away(), "the prober had the same trouble")
	})
}

func TestWantOfDescriptorsIsNotTheBrokersFault(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		w.v.fail(addressA, syscall.EMFILE)
		c := w.connect(w.port(idA))
		require.Equal(t, codec.ResServiceNotAvailable, c.ask(send()))
		time.Sleep(10 * time.Second)
		require.False(t, w.dir.Snapshot().Broker(idA).Away())
		require.False(t, w.refused(w.port(idA)))
	})
}

func TestProberSurvivesItsOwnCrash(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		w.consumer()
		a.stop()
		w.env.Fault("proxy/cluster/main/broker/broker-a:0", "as asked for")
		synctest.Wait()
		require.Len(t, w.log.Lines("as asked for"), 1)
		w.log.Forget()
		a.restart()
		time.Sleep(2 * time.Second)
		require.False(t, w.refused(w.port(idA)))
	})
}

// cut answers with the first half of a frame.
func cutAnswer(c *codec.Command) []byte {
	a := c.Answer(codec.ResSuccess, "")
	a.Body = []byte(strings.Repeat("x", 1000))
	return a.Append(nil, codec.JSON)[:500]
}

func TestAnswerCutByTheLossNeverLooksWhole(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		a.answers(heartbeatsOnly)
		c := w.consumer()
		c.send(pull())
		c.send(pull())
		a.mu.Lock()
		conn, asked := a.conns[0], a.got[len(a.got)-2]
		a.mu.Unlock()
		conn.Write(cutAnswer(asked))
		a.stop()
		got, err := io.ReadAll(c.nc)
		require.NoError(t, err)
		require.Equal(t, cutAnswer(asked), got, "half an answer and then the end, not an answer of ours in its middle")
	})
}

func TestRequestCutByItsClientNeverLooksWhole(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		c := w.consumer()
		a.requests()
		frame := (&codec.Command{Code: codec.ReqSendMessageV2, Opaque: 5, Body: make([]byte, 1000)}).Append(nil, codec.JSON)
		c.nc.Write(frame[:600])
		synctest.Wait()
		c.nc.Close()
		require.Empty(t, a.requests(), "half a request is none")
	})
}

func TestRequestCutByTheLossIsNotContinuedOnTheNextUpstream(t *testing.T) {
	lossTest(t, func(t *testing.T, w *world, a *server) {
		c := w.consumer()
		frame := (&codec.Command{Code: codec.ReqSendMessageV2, Opaque: 5, Body: make([]byte, 1000)}).Append(nil, codec.JSON)
		c.nc.Write(frame[:600])
		synctest.Wait()
		a.stop()
		require.Equal(t, codec.ResServiceNotAvailable, c.next().Code)
		a.restart()
		time.Sleep(2 * time.Second)
		a.requests()
		c.nc.Write(frame[600:])
		require.Equal(t, codec.ResSuccess, c.ask(pull()))
		got := a.requests()
		require.Len(t, got, 1)
		require.Equal(t, codec.ReqPullMessage, got[0].Code)
	})
}
