package cluster_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

func TestNameServersThatHangAreLeftWithinASecond(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(4)}, func(t *testing.T, s *proxytest.Sim) {
		for i := range 4 {
			s.StartNameServer(i, proxytest.OnlyA)
		}
		s.Start()
		g := s.Dial(s.NameServer())
		for i := range 3 {
			s.NameServers[i].Answers(proxytest.Silent)
		}
		require.Less(t, took(func() { require.Equal(t, codec.ResSuccess, g.Call(proxytest.RouteRequest("topic1")).Code) }), time.Second, "the first question")
		require.Zero(t, took(func() { require.Equal(t, codec.ResSuccess, g.Call(proxytest.RouteRequest("topic2")).Code) }), "the second: it is known who answers")
		time.Sleep(2 * time.Second)
		require.True(t, s.Cluster().Servers()[3].Up.Load())
		require.False(t, s.Cluster().Servers()[0].Up.Load())
		require.NotZero(t, s.Cluster().Servers()[0].Failures.Load())
	})
}

func TestNameServerThatCannotBeDialedIsLeftWithinASecond(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(2)}, func(t *testing.T, s *proxytest.Sim) {
		s.Network.Fail(proxytest.NameServerAddress(0), nil) // its packets vanish
		s.StartNameServer(1, proxytest.OnlyA)
		require.Less(t, took(func() {
			s.Start()
			for !s.Listener().Open() {
				time.Sleep(10 * time.Millisecond)
			}
		}), time.Second)
	})
}

func TestAnswerThatComesLateIsNotTakenForAnother(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(2)}, func(t *testing.T, s *proxytest.Sim) {
		slow := s.StartNameServer(0, proxytest.OnlyA)
		s.StartNameServer(1, proxytest.AAndB)
		s.Start()
		slow.Answers(func(c *codec.Command) *codec.Command {
			time.Sleep(500 * time.Millisecond)
			return proxytest.KnowsBrokers(proxytest.OnlyA)(c)
		})
		g := s.Dial(s.NameServer())
		g.Send(proxytest.RouteRequest("topic1"))
		answer := g.Next()
		require.Contains(t, string(answer.Body), "broker-b", "the answer of the one that was asked second")
		time.Sleep(time.Second)
		g.Quiet()
		g.Send(proxytest.RouteRequest("topic1"))
		require.Contains(t, string(g.Next().Body), "broker-b")
	})
}

func TestGarbageOfANameServer(t *testing.T) {
	f := func(name string, answer func(c *codec.Command) *codec.Command) {
		t.Run(name, func(t *testing.T) {
			proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(2)}, func(t *testing.T, s *proxytest.Sim) {
				s.StartBroker(proxytest.NameServerAddress(0)).Answers(answer)
				s.StartNameServer(1, proxytest.OnlyA)
				s.Start()
				time.Sleep(time.Second)
				require.True(t, s.Listener().Open())
				g := s.Dial(s.NameServer())
				require.Equal(t, codec.ResSuccess, g.Call(proxytest.RouteRequest("topic1")).Code)
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
	f("body is deep", body(`{"brokerAddrTable":`+strings.Repeat("[", 100_000)))
	f("an error", func(c *codec.Command) *codec.Command { return c.Answer(codec.ResSystemError, "no") })
	f("another opaque", func(c *codec.Command) *codec.Command {
		a := proxytest.KnowsBrokers(proxytest.OnlyA)(c)
		a.Opaque += 1000
		return a
	})
	f("a request", func(c *codec.Command) *codec.Command {
		a := proxytest.KnowsBrokers(proxytest.OnlyA)(c)
		a.Flag = 0
		return a
	})
}

func TestRoutesAreServedFromTheLastGoodAnswer(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(2)}, func(t *testing.T, s *proxytest.Sim) {
		first, second := s.StartNameServer(0, proxytest.AAndB), s.StartNameServer(1, proxytest.AAndB)
		s.Start()
		g := s.Dial(s.NameServer())
		g.Send(proxytest.RouteRequest("topic1"))
		good := g.Next()
		require.Equal(t, codec.ResSuccess, good.Code)
		answered := s.Cluster().Snapshot().Answered()

		first.Answers(proxytest.Silent)
		second.Crash()
		time.Sleep(40 * time.Second)
		require.Equal(t, answered, s.Cluster().Snapshot().Answered(), "its age is the metric")
		for range 10 {
			require.Zero(t, took(func() {
				g.Send(proxytest.RouteRequest("topic1"))
				require.Equal(t, good.Body, g.Next().Body)
			}), "nobody waits for what is known")
			time.Sleep(700 * time.Millisecond)
		}
		require.Equal(t, codec.ResSystemError, g.Call(proxytest.RouteRequest("topic2")).Code, "a topic that nobody asked for before: never 17")

		second.Restart()
		time.Sleep(2 * time.Second)
		require.Equal(t, codec.ResSuccess, g.Call(proxytest.RouteRequest("topic2")).Code)
		require.Less(t, time.Since(s.Cluster().Snapshot().Answered()), 5*time.Second)
	})
}

func TestStartWithoutNameServerWaits(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(2)}, func(t *testing.T, s *proxytest.Sim) {
		s.Start()
		time.Sleep(35 * time.Second)
		require.False(t, s.Listener().Open())
		require.True(t, s.Refuses(proxytest.OfficePort))
		require.Len(t, s.Log.Lines("no name server has answered yet"), 4, "a line at once and then each 10 s")
		s.StartNameServer(1, proxytest.OnlyA)
		time.Sleep(2 * time.Second)
		require.True(t, s.Listener().Open())
		require.Equal(t, codec.ResSuccess, s.Dial(s.NameServer()).Call(proxytest.RouteRequest("topic1")).Code)
	})
}

func TestNameServersThatDisagreeLoseNoBroker(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(2)}, func(t *testing.T, s *proxytest.Sim) {
		first, second := s.StartNameServer(0, proxytest.AAndB), s.StartNameServer(1, proxytest.OnlyA)
		s.StartBroker(proxytest.AddressA)
		s.StartBroker(proxytest.AddressB)
		s.Start()
		portB := s.Port(proxytest.BrokerB)
		first.Crash()
		look()
		require.Equal(t, codec.ResSuccess, s.Dial(portB).Call(proxytest.SendRequest()).Code, "the one that is left does not know it")
		require.Equal(t, portB, s.Port(proxytest.BrokerB))

		const moved = "10.0.0.7:10911"
		s.StartBroker(moved)
		second.Answers(proxytest.KnowsBrokers(map[string]string{"broker-b": moved}))
		look()
		before := s.Network.Dials(moved)
		require.Equal(t, codec.ResSuccess, s.Dial(portB).Call(proxytest.SendRequest()).Code)
		require.Equal(t, before+1, s.Network.Dials(moved), "its new address is taken")
	})
}

// A name server that was restarted knows no topic until the brokers have come by.
func TestAbsenceIsBelievedWhenAllAgree(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(3)}, func(t *testing.T, s *proxytest.Sim) {
		s.StartNameServer(0, nil)
		s.StartNameServer(1, proxytest.OnlyA)
		third := s.StartNameServer(2, nil)
		s.Start()
		g := s.Dial(s.NameServer())
		require.Equal(t, codec.ResSuccess, g.Call(proxytest.RouteRequest("topic1")).Code)
		require.Equal(t, codec.ResTopicNotExist, g.Call(proxytest.RouteRequest("unknown")).Code)
		third.Answers(proxytest.Silent)
		require.Less(t, took(func() { require.Equal(t, codec.ResTopicNotExist, g.Call(proxytest.RouteRequest("unknown too")).Code) }), 500*time.Millisecond,
			"one that hangs does not keep the others' word back")
		time.Sleep(2 * time.Second)
		s.NameServers[0].Crash()
		s.NameServers[1].Crash()
		third.Crash()
		time.Sleep(2 * time.Second)
		require.Equal(t, codec.ResSystemError, g.Call(proxytest.RouteRequest("yet another")).Code, "nobody has said that it is not there")
	})
}

func TestNameServerThatIsRefusedIsLeftAtOnce(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(3)}, func(t *testing.T, s *proxytest.Sim) {
		s.Network.Fail(proxytest.NameServerAddress(1), errors.New("no route to host"))
		s.StartNameServer(2, proxytest.OnlyA)
		require.Zero(t, took(s.Start))
		require.True(t, s.Listener().Open())
	})
}
