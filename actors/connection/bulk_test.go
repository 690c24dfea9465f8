package connection_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// A client's pulls of which nobody knows how large the answers are: so many are passed on at a time, as long as all
// clients of the broker together expect less than its bound, which so many clients reach.
const (
	unknownPulls  = 16
	clientsOfMost = 16
	answerSize    = 256 << 10
)

// pulls are n requests for messages.
func pulls(first int32, n int) (all []*codec.Command) {
	for i := range int32(n) {
		all = append(all, &codec.Command{Code: codec.ReqPullMessage, Opaque: first + i, Version: codec.Version5_5_0})
	}
	return all
}

// puller is a client of broker-a, and its connection there. Neither waits for a proxy that does not read.
type puller struct {
	*proxytest.Client
	asks    chan int32
	answers chan []byte
}

func newPuller(s *proxytest.Sim) *puller {
	p := &puller{Client: s.Dial(s.Port(proxytest.BrokerA)), asks: make(chan int32, 10_000), answers: make(chan []byte, 1000)}
	p.Request(codec.ReqGetMaxOffset, "")
	broker := s.Broker.Accept()
	broker.Answer(broker.Next(), "")
	p.Next()
	s.T.Cleanup(func() { close(p.answers) })
	go func() {
		for b := range p.answers {
			broker.Conn.Write(b) //nolint:errcheck // the test may have ended
		}
	}()
	broker.Conn.SetReadDeadline(time.Time{})
	go func() {
		for {
			c, _, err := codec.ReadCommand(broker.R, codec.Limits{})
			if err != nil {
				return
			}
			p.asks <- c.Opaque
		}
	}()
	return p
}

// asked are the requests that the broker has got since the last time.
func (p *puller) asked() (opaques []int32) {
	synctest.Wait()
	for {
		select {
		case opaque := <-p.asks:
			opaques = append(opaques, opaque)
		default:
			return opaques
		}
	}
}

// take reads n answers.
func (p *puller) take(n int) {
	for range n {
		p.Next()
	}
	synctest.Wait()
}

// answer has the broker answer pulls with bodies of a size.
func (p *puller) answer(opaques []int32, size int) {
	var all []byte
	for _, opaque := range opaques {
		a := (&codec.Command{Code: codec.ReqPullMessage, Opaque: opaque}).Answer(codec.ResSuccess, "")
		a.Body = make([]byte, size)
		all = append(all, proxytest.Frame(a)...)
	}
	p.answers <- all
	synctest.Wait()
}

// serve has the broker answer everything at once, and returns how much it has answered by now.
func (p *puller) serve(size int) (answered int) {
	for asked := p.asked(); len(asked) > 0; asked = p.asked() {
		answered += len(asked)
		p.answer(asked, size)
	}
	return answered
}

// A burst of pulls goes on in pieces: what the broker did not answer in 100 ms it holds, and that costs nothing.
func TestPullsOfABurstWaitForTheBrokerToHoldThem(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		client := newPuller(s)
		time.Sleep(time.Second)
		client.WriteFrames(pulls(100, 3*unknownPulls)...)
		client.Request(codec.ReqHeartBeat, "{}")
		require.Len(t, client.asked(), unknownPulls)
		time.Sleep(90 * time.Millisecond)
		require.Empty(t, client.asked())
		time.Sleep(50 * time.Millisecond)
		require.Len(t, client.asked(), 2*unknownPulls+1, "more of them, and what stood behind them")
	})
}

// A consumer of very many queues without messages begins to poll all of them, and what it says behind that is heard before
// its timeout of 3 s.
func TestAConsumerOfAThousandQueuesIsHeard(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		client := newPuller(s)
		client.WriteFrames(pulls(100, 1000)...)
		client.Request(codec.ReqHeartBeat, "{}")
		time.Sleep(2 * time.Second)
		require.Len(t, client.asked(), 1001)
	})
}

// Answers make room at once, and what they teach is what the next are expected to have.
func TestPullsOfABurstWaitForAnswers(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		client := newPuller(s)
		client.WriteFrames(pulls(100, 200)...)
		got := client.asked()
		require.Len(t, got, unknownPulls)
		client.answer(got[:10], 100)
		client.take(10)
		more := client.asked()
		require.Greater(t, len(more), 10+5, "they are smaller than expected")
		client.answer(got[10:], 2<<20)
		client.take(6)
		require.Len(t, client.asked(), 1, "before the first of these came")
		client.answer(more, 2<<20)
		client.take(len(more))
		require.LessOrEqual(t, len(client.asked()), 2)
		time.Sleep(150 * time.Millisecond)
		require.NotEmpty(t, client.asked(), "the broker holds the others")
	})
}

// A stock consumer does not notice anything: it has a pull for each queue.
func TestAConsumerOfSixteenQueuesIsNotSlower(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		client := newPuller(s)
		for range 20 {
			client.WriteFrames(pulls(100, 16)...)
			got := client.asked()
			require.Len(t, got, 16)
			client.answer(got, answerSize)
			client.take(16)
		}
	})
}

// A client that reads nothing gets no further however long it waits, and goes on when it reads.
func TestPullsOfAClientThatDoesNotReadWait(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		client := newPuller(s)
		client.WriteFrames(pulls(100, 200)...)
		got := client.asked()
		require.Len(t, got, unknownPulls)
		client.answer(got, answerSize)
		require.Len(t, client.asked(), 1, "the first answer is on its way")
		time.Sleep(30 * time.Second)
		require.Empty(t, client.asked())
		client.take(unknownPulls)
		require.Len(t, client.asked(), unknownPulls-1)
	})
}

// A client that reads a little and then nothing for a while does not pile up answers at the broker.
func TestPullsOfASlowReaderDoNotPileUp(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		client := newPuller(s)
		client.WriteFrames(pulls(100, 2000)...)
		asked := 0
		for read := range 50 {
			asked += client.serve(answerSize)
			require.LessOrEqual(t, asked-read, unknownPulls+2, "one answer that has begun to come, and one request beyond the bound")
			time.Sleep(time.Second)
			asked += client.serve(answerSize)
			client.take(1)
		}
		require.Greater(t, asked, 50)
	})
}

// What waits while the broker is dialed is not held by it.
func TestPullsThatWaitForTheBrokerAreNotHeld(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		s.Network.Fail(proxytest.AddressA, nil)
		client := s.Dial(s.Port(proxytest.BrokerA))
		client.WriteFrames(pulls(100, 200)...)
		time.Sleep(time.Second)
		require.Equal(t, unknownPulls, s.Stat("total_pending"))
	})
}

// Clients that do not read leave others of their broker little room, but always some; and all when they have gone.
func TestClientsThatDoNotReadLeaveRoomForOthers(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		other := newPuller(s)
		turn := func(want int) {
			t.Helper()
			other.WriteFrames(pulls(100, unknownPulls)...)
			left := unknownPulls
			for left > 0 {
				got := other.asked()
				require.Len(t, got, min(want, left))
				other.answer(got, answerSize)
				other.take(len(got))
				left -= len(got)
			}
		}
		turn(unknownPulls)
		var silent []*puller
		for range clientsOfMost + 1 {
			c := newPuller(s)
			c.WriteFrames(pulls(100, 200)...)
			c.serve(2 * answerSize)
			silent = append(silent, c)
			time.Sleep(200 * time.Millisecond)
		}
		turn(1)
		for _, c := range silent {
			c.Close()
		}
		turn(unknownPulls)
	})
}

// Each client that came and went would take a piece of limits.memory for good.
func TestAClientThatLeftHoldsNothingOfTheBudget(t *testing.T) {
	proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, s *proxytest.Sim) {
		for _, answered := range []bool{true, false} {
			c, broker := s.Pinned()
			c.WriteFrames(pulls(1, 3)...)
			for range 3 {
				asked := broker.Next()
				if answered {
					broker.Answer(asked, "found")
					c.Next()
				}
			}
			synctest.Wait()
			held, _ := s.Env.Transport.Buffered()
			require.Positive(t, held)
			c.Close()
			synctest.Wait()
			held, _ = s.Env.Transport.Buffered()
			require.Zero(t, held, "answered: %v", answered)
		}
	})
}
