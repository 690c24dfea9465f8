package actors_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

func route105(topic string) *codec.Command {
	return &codec.Command{Code: codec.ReqGetRouteInfoByTopic, Ext: map[string]string{"topic": topic}}
}

// never is how a server that hangs answers.
func never(*codec.Command) *codec.Command { return nil }

// took returns how long f takes in virtual time.
func took(f func()) time.Duration {
	begin := time.Now()
	f()
	return time.Since(begin)
}

var (
	onlyA = map[string]string{"broker-a": addressA}
	both  = map[string]string{"broker-a": addressA, "broker-b": addressB}
)

func TestNameServersThatHangAreLeftWithinASecond(t *testing.T) {
	inVirtualTime(t, 4, func(t *testing.T, w *world) {
		for i := range 4 {
			w.nameServerOf(i, onlyA)
		}
		w.start()
		g := w.connect("127.0.0.1:9876")
		for i := range 3 {
			w.servers[i].answers(never)
		}
		require.Less(t, took(func() { require.Equal(t, codec.ResSuccess, g.ask(route105("topic1"))) }), time.Second, "the first question")
		require.Zero(t, took(func() { require.Equal(t, codec.ResSuccess, g.ask(route105("topic2"))) }), "the second: it is known who answers")
		time.Sleep(2 * time.Second)
		require.True(t, w.dir.Servers()[3].Up.Load())
		require.False(t, w.dir.Servers()[0].Up.Load())
		require.NotZero(t, w.dir.Servers()[0].Failures.Load())
	})
}

func TestNameServerThatCannotBeDialledIsLeftWithinASecond(t *testing.T) {
	inVirtualTime(t, 2, func(t *testing.T, w *world) {
		w.v.fail(nameServer(0), nil) // its packets vanish
		w.nameServerOf(1, onlyA)
		require.Less(t, took(func() {
			w.start()
			for !w.at.Open() {
				time.Sleep(10 * time.Millisecond)
			}
		}), time.Second)
	})
}

func TestAnswerThatComesLateIsNotTakenForAnother(t *testing.T) {
	inVirtualTime(t, 2, func(t *testing.T, w *world) {
		slow := w.nameServerOf(0, onlyA)
		w.nameServerOf(1, both)
		w.start()
		slow.answers(func(c *codec.Command) *codec.Command {
			time.Sleep(500 * time.Millisecond)
			return knowing(onlyA)(c)
		})
		g := w.connect("127.0.0.1:9876")
		g.send(route105("topic1"))
		answer := g.next()
		require.Contains(t, string(answer.Body), "broker-b", "the answer of the one that was asked second")
		time.Sleep(time.Second)
		g.open()
		g.send(route105("topic1"))
		require.Contains(t, string(g.next().Body), "broker-b")
	})
}

func TestGarbageOfANameServer(t *testing.T) {
	f := func(name string, answer func(c *codec.Command) *codec.Command) {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 2, func(t *testing.T, w *world) {
				w.serve(nameServer(0)).answers(answer)
				w.nameServerOf(1, onlyA)
				w.start()
				time.Sleep(time.Second)
				require.True(t, w.at.Open())
				g := w.connect("127.0.0.1:9876")
				require.Equal(t, codec.ResSuccess, g.ask(route105("topic1")))
			})
		})
	}
	body := func(text string) func(c *codec.Command) *codec.Command {
		return func(c *codec.Command) *codec.Command {
			a := c.Answer(codec.ResSuccess, "")
			a.Body = []byte(text)
			return a
		}
	}
	f("body is no JSON", body("\x00\x01garbage"))
	f("body is empty", body(""))
	f("body is cut", body(`{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"10.0`))
	f("body is deep", body(deep(100_000)))
	f("an error", func(c *codec.Command) *codec.Command { return c.Answer(codec.ResSystemError, "no") })
	f("another opaque", func(c *codec.Command) *codec.Command {
		a := knowing(onlyA)(c)
		a.Opaque += 1000
		return a
	})
	f("a request", func(c *codec.Command) *codec.Command {
		a := knowing(onlyA)(c)
		a.Flag = 0
		return a
	})
}

func deep(n int) string {
	b := []byte(`{"brokerAddrTable":`)
	for range n {
		b = append(b, '[')
	}
	return string(b)
}

func TestRoutesAreServedFromTheLastGoodAnswer(t *testing.T) {
	inVirtualTime(t, 2, func(t *testing.T, w *world) {
		first, second := w.nameServerOf(0, both), w.nameServerOf(1, both)
		w.start()
		g := w.connect("127.0.0.1:9876")
		g.send(route105("topic1"))
		good := g.next()
		require.Equal(t, codec.ResSuccess, good.Code)
		answered := w.dir.Snapshot().Answered()

		first.answers(never)
		second.stop()
		time.Sleep(40 * time.Second)
		require.Equal(t, answered, w.dir.Snapshot().Answered(), "its age is the metric")
		for range 10 {
			require.Zero(t, took(func() {
				g.send(route105("topic1"))
				require.Equal(t, good.Body, g.next().Body)
			}), "nobody waits for what is known")
			time.Sleep(700 * time.Millisecond)
		}
		require.Equal(t, codec.ResSystemError, g.ask(route105("topic2")), "a topic that nobody asked for before: never 17")

		second.restart()
		time.Sleep(2 * time.Second)
		require.Equal(t, codec.ResSuccess, g.ask(route105("topic2")))
		require.Less(t, time.Since(w.dir.Snapshot().Answered()), 5*time.Second)
	})
}

func TestStartWithoutNameServerWaits(t *testing.T) {
	inVirtualTime(t, 2, func(t *testing.T, w *world) {
		w.start()
		time.Sleep(35 * time.Second)
		require.False(t, w.at.Open())
		require.True(t, w.refused("127.0.0.1:9876"))
		require.Len(t, w.log.Lines("no name server has answered yet"), 4, "a line at once and then each 10 s")
		w.nameServerOf(1, onlyA)
		time.Sleep(2 * time.Second)
		require.True(t, w.at.Open())
		require.Equal(t, codec.ResSuccess, w.connect("127.0.0.1:9876").ask(route105("topic1")))
	})
}

// look has the directory ask for the cluster now.
func (w *world) look() {
	time.Sleep(31 * time.Second)
	synctest.Wait()
}

func TestNameServersThatDisagreeLoseNoBroker(t *testing.T) {
	inVirtualTime(t, 2, func(t *testing.T, w *world) {
		first, second := w.nameServerOf(0, both), w.nameServerOf(1, onlyA)
		w.serve(addressA)
		w.serve(addressB)
		w.start()
		portB := w.port(idB)
		first.stop()
		w.look()
		require.Equal(t, codec.ResSuccess, w.connect(portB).ask(send()), "the one that is left does not know it")
		require.Equal(t, portB, w.port(idB))

		const moved = "10.0.0.7:10911"
		w.serve(moved)
		second.answers(knowing(map[string]string{"broker-b": moved}))
		w.look()
		before := w.v.dialed(moved)
		require.Equal(t, codec.ResSuccess, w.connect(portB).ask(send()))
		require.Equal(t, before+1, w.v.dialed(moved), "its new address is taken")
	})
}

// A name server that was restarted knows no topic until the brokers have come by.
func TestAbsenceIsBelievedWhenAllAgree(t *testing.T) {
	inVirtualTime(t, 3, func(t *testing.T, w *world) {
		w.nameServerOf(0, nil)
		w.nameServerOf(1, onlyA)
		third := w.nameServerOf(2, nil)
		w.start()
		g := w.connect("127.0.0.1:9876")
		require.Equal(t, codec.ResSuccess, g.ask(route105("topic1")))
		require.Equal(t, codec.ResTopicNotExist, g.ask(route105("unknown")))
		third.answers(never)
		require.Less(t, took(func() { require.Equal(t, codec.ResTopicNotExist, g.ask(route105("unknown too"))) }), 500*time.Millisecond,
			"one that hangs does not keep the others' word back")
		time.Sleep(2 * time.Second)
		w.servers[0].stop()
		w.servers[1].stop()
		third.stop()
		time.Sleep(2 * time.Second)
		require.Equal(t, codec.ResSystemError, g.ask(route105("yet another")), "nobody has said that it is not there")
	})
}

func TestNameServerThatIsRefusedIsLeftAtOnce(t *testing.T) {
	inVirtualTime(t, 3, func(t *testing.T, w *world) {
		w.v.fail(nameServer(1), errors.New("no route to host"))
		w.nameServerOf(2, onlyA)
		require.Zero(t, took(w.start))
		require.True(t, w.at.Open())
	})
}
