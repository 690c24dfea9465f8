package connection_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// onePort is a proxy in virtual time with one port for all brokers.
type onePort struct {
	*proxytest.Sim
	a, b *proxytest.FakeBroker
}

// onOnePort runs a test with two brokers behind one port, whose connections the test accepts.
func onOnePort(t *testing.T, o proxytest.Options, test func(t *testing.T, p *onePort)) {
	t.Helper()
	o.Listener = func(l *actors.Listener) { l.OnePort = true }
	proxytest.InVirtualTime(t, o, func(t *testing.T, s *proxytest.Sim) {
		s.StartNameServer(0, proxytest.AAndB)
		p := &onePort{Sim: s, a: s.FakeBroker(proxytest.AddressA), b: s.FakeBroker(proxytest.AddressB)}
		s.Start()
		test(t, p)
	})
}

// dial connects a client to the one port.
func (p *onePort) dial() *proxytest.Client { return p.Dial(proxytest.OfficePort) }

// to makes a request that names its broker.
func to(broker string, code int32) *codec.Command {
	return &codec.Command{Code: code, Ext: map[string]string{"bname": broker}}
}

func TestOnOnePortEachRequestGoesToItsBroker(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		first, second := to("broker-a", 10), to("broker-b", 11)
		first.Opaque, second.Opaque = 7, 7 // also when a client uses one opaque twice
		c.WriteFrames(first, second)
		a, b := p.a.Accept(), p.b.Accept()
		atA, atB := a.Next(), b.Next()
		require.Equal(t, int32(10), atA.Code)
		require.Equal(t, int32(11), atB.Code)
		b.Answer(atB, "of b")
		require.Equal(t, "of b", string(c.Next().Body))
		a.Answer(atA, "of a")
		require.Equal(t, "of a", string(c.Next().Body))
	})
}

func TestOnOnePortRoutesNameTheListenersAddress(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		route := string(c.Call(proxytest.RouteRequest("topic")).Body)
		require.Contains(t, route, `"brokerName":"broker-a"`)
		require.Contains(t, route, `"brokerName":"broker-b"`)
		require.Contains(t, route, proxytest.OfficePort)
		require.NotContains(t, route, proxytest.AddressA)
		require.NotContains(t, route, proxytest.AddressB)
	})
}

func TestOnOnePortOneLostBrokerLeavesTheOthersAlone(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		c.WriteFrames(to("broker-a", 10), to("broker-b", 11))
		a, b := p.a.Accept(), p.b.Accept()
		a.Next()
		atB := b.Next()
		p.a.Crash()
		lost := c.Next()
		require.Equal(t, codec.ResServiceNotAvailable, lost.Code)
		require.Contains(t, lost.Remark, proxytest.AddressA)
		time.Sleep(time.Minute)
		b.Answer(atB, "still here")
		require.Equal(t, "still here", string(c.Next().Body))
		require.Equal(t, codec.ResServiceNotAvailable, c.Call(to("broker-a", 10)).Code)
		p.a.Restart()
		p.a.Answers(proxytest.Succeed)
		time.Sleep(time.Minute)
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-a", 10)).Code)
	})
}

func TestOnOnePortTheClusterIsAskedForATopicsBrokers(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		unnamed := &codec.Command{Code: 10, Ext: map[string]string{"topic": "topic"}}
		refused := c.Call(unnamed)
		require.Equal(t, codec.ResVersionNotSupported, refused.Code)
		require.Contains(t, refused.Remark, "bname")
		p.NameServers[0].Answers(proxytest.KnowsBrokers(proxytest.OnlyA))
		time.Sleep(time.Minute)
		unnamed.Opaque = 0
		c.Send(unnamed)
		a := p.a.Accept()
		a.Answer(a.Next(), "")
		require.Equal(t, codec.ResSuccess, c.Next().Code)
	})
}

func TestOnOnePortAHeartbeatReachesAllBrokersOfTheClient(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		require.Equal(t, codec.ResSuccess, c.Call(proxytest.ProducerHeartbeat()).Code, "answered although it goes nowhere")
		p.a.Answers(proxytest.Succeed)
		p.b.Answers(proxytest.Succeed)
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-a", 10)).Code)
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-b", 10)).Code)
		p.a.Requests()
		p.b.Requests()
		require.Equal(t, codec.ResSuccess, c.Call(proxytest.ConsumerHeartbeat()).Code)
		for _, broker := range []*proxytest.FakeBroker{p.a, p.b} {
			got := broker.Requests()
			require.Len(t, got, 1)
			require.Equal(t, codec.ReqHeartBeat, got[0].Code)
		}
	})
}

func TestOnOnePortRequestsOfBrokersHaveOpaquesOfTheirOwn(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		c.WriteFrames(to("broker-a", 10), to("broker-b", 11))
		a, b := p.a.Accept(), p.b.Accept()
		a.Next()
		b.Next()
		push := &codec.Command{Code: codec.ReqGetConsumerRunningInfo, Opaque: 5}
		a.WriteFrames(push)
		fromA := c.Next()
		b.WriteFrames(push)
		fromB := c.Next()
		require.NotEqual(t, fromA.Opaque, fromB.Opaque)
		c.Answer(fromB, "for b")
		c.Answer(fromA, "for a")
		atA, atB := a.Next(), b.Next()
		require.Equal(t, int32(5), atA.Opaque)
		require.Equal(t, "for a", string(atA.Body))
		require.Equal(t, int32(5), atB.Opaque)
		require.Equal(t, "for b", string(atB.Body))
	})
}

func TestOnOnePortTheProxyAnswersForASlowBroker(t *testing.T) {
	onOnePort(t, proxytest.Options{Settings: actors.Settings{OnePortTimeout: 2700 * time.Millisecond}}, func(t *testing.T, p *onePort) {
		c := p.dial()
		began := time.Now()
		c.Send(to("broker-a", 10))
		a := p.a.Accept()
		send := a.Next()
		slow := c.Next()
		require.InDelta(t, 2.7, time.Since(began).Seconds(), 0.06)
		require.Equal(t, codec.ResServiceNotAvailable, slow.Code)
		require.Contains(t, slow.Remark, "timeouts.one_port")
		a.Answer(send, "too late")
		c.Quiet()
		require.True(t, c.Open())
	})
}

// A broker that is lost while the client is sending a request to another one takes nothing of that with it.
func TestOnOnePortALossLeavesTheRequestToAnotherBrokerWhole(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		c.WriteFrames(to("broker-a", 10), to("broker-b", 10))
		a, b := p.a.Accept(), p.b.Accept()
		a.Answer(a.Next(), "")
		c.Next()
		b.Answer(b.Next(), "")
		c.Next()
		long := to("broker-a", 10)
		long.Opaque, long.Body = 5, bytes.Repeat([]byte("x"), 10_000)
		frame := long.Append(nil, codec.JSON)
		c.Write(frame[:5000])
		time.Sleep(time.Second)
		p.b.Crash()
		time.Sleep(time.Second)
		c.Write(frame[5000:])
		require.Equal(t, long.Body, a.Next().Body)
		next := to("broker-a", 11)
		c.Send(next)
		require.Equal(t, int32(11), a.Next().Code)
	})
}

func TestOnOnePortTheSameHeartbeatGoesOutOnce(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		c.WriteFrames(to("broker-a", 10), to("broker-b", 10))
		a, b := p.a.Accept(), p.b.Accept()
		a.Next()
		b.Next()
		beat := func(opaque int32) *codec.Command {
			return &codec.Command{Code: codec.ReqHeartBeat, Opaque: opaque, Body: []byte(proxytest.FullHeartbeat)}
		}
		c.WriteFrames(beat(1), beat(2))
		confirm := func(m *codec.Command, version int32, ext map[string]string) *codec.Command {
			answer := m.Answer(codec.ResSuccess, "")
			answer.Version, answer.Ext = version, ext
			return answer
		}
		a.WriteFrames(confirm(a.Next(), 450, map[string]string{"IS_SUPPORT_HEART_BEAT_V2": "true", "IS_SUB_CHANGE": "false"}))
		c.Quiet()
		b.WriteFrames(confirm(b.Next(), 440, map[string]string{"IS_SUPPORT_HEART_BEAT_V2": "true", "IS_SUB_CHANGE": "true"}))
		joined := map[string]string{"IS_SUPPORT_HEART_BEAT_V2": "true", "IS_SUB_CHANGE": "true"}
		c.WriteFrames(beat(3))
		for opaque := range int32(3) {
			answer := c.Next()
			require.Equal(t, opaque+1, answer.Opaque)
			require.Equal(t, int32(440), answer.Version)
			require.Equal(t, joined, answer.Ext)
		}
		a.Quiet()
		b.Quiet()

		// The short form goes only to a broker that keeps the full one.
		time.Sleep(5 * time.Second)
		c.WriteFrames(&codec.Command{Code: codec.ReqHeartBeat, Opaque: 4, Body: []byte(proxytest.ShortHeartbeat)})
		atA, atB := a.Next(), b.Next()
		require.Equal(t, proxytest.ShortHeartbeat, string(atA.Body))
		require.Equal(t, proxytest.FullHeartbeat, string(atB.Body))
		a.WriteFrames(confirm(atA, 450, joined))
		b.WriteFrames(confirm(atB, 440, joined))
		require.Equal(t, int32(4), c.Next().Opaque)

		// It goes out again when the client has unregistered a group.
		c.WriteFrames(&codec.Command{Code: codec.ReqUnregisterClient, Opaque: 5, Ext: map[string]string{"clientID": "c", "consumerGroup": "other"}}, beat(6))
		for _, broker := range []*proxytest.Client{a, b} {
			require.Equal(t, codec.ReqUnregisterClient, broker.Next().Code)
			require.Equal(t, codec.ReqHeartBeat, broker.Next().Code)
		}
	})
}

func TestOnOnePortALaterLinkBeginsWithTheHeartbeat(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		p.a.Answers(proxytest.Succeed)
		p.b.Answers(proxytest.Succeed)
		c := p.dial()
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-a", 10)).Code)
		body := `{"clientID":"c","consumerDataSet":[{"groupName":"g"},{"groupName":"left"}],"producerDataSet":[]}`
		require.Equal(t, codec.ResSuccess, c.Call(&codec.Command{Code: codec.ReqHeartBeat, Body: []byte(body)}).Code)
		unregister := &codec.Command{Code: codec.ReqUnregisterClient, Ext: map[string]string{"clientID": "c", "consumerGroup": "left"}}
		require.Equal(t, codec.ResSuccess, c.Call(unregister).Code)
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-b", 11)).Code)
		got := p.b.Requests()
		require.Len(t, got, 2)
		require.Equal(t, codec.ReqHeartBeat, got[0].Code)
		require.Contains(t, string(got[0].Body), `"g"`)
		require.NotContains(t, string(got[0].Body), "left")
		require.Equal(t, int32(11), got[1].Code)
	})
}

func TestOnOnePortAHeartbeatDoesNotWaitForASilentBroker(t *testing.T) {
	onOnePort(t, proxytest.Options{Settings: actors.Settings{OnePortTimeout: 2700 * time.Millisecond}}, func(t *testing.T, p *onePort) {
		p.a.Answers(proxytest.Succeed)
		p.b.Answers(func(c *codec.Command) *codec.Command {
			if c.Code == codec.ReqHeartBeat {
				return nil
			}
			return proxytest.Succeed(c)
		})
		c := p.dial()
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-a", 10)).Code)
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-b", 10)).Code)
		began := time.Now()
		answer := c.Call(proxytest.ConsumerHeartbeat())
		require.Equal(t, codec.ResSuccess, answer.Code)
		require.InDelta(t, 1, time.Since(began).Seconds(), 0.06)
		require.Empty(t, answer.Ext["IS_SUPPORT_HEART_BEAT_V2"])
	})
}

// A request that changes routes makes those of the cluster new that it goes to, whichever is the listener's own.
func TestOnOnePortRoutesAreNewAfterTheyWereChangedInAnotherCluster(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{Listener: func(l *actors.Listener) { l.OnePort = true }}, func(t *testing.T, s *proxytest.Sim) {
		own := s.StartNameServer(0, proxytest.OnlyA)
		other := s.StartNameServer(1, map[string]string{"broker-b": proxytest.AddressB})
		s.Tree.Clusters = append(s.Tree.Clusters, actors.NewCluster("second", []string{proxytest.NameServerAddress(1)}, 0))
		s.Listener().Clusters = s.Tree.Clusters
		s.StartBroker(proxytest.AddressA)
		s.StartBroker(proxytest.AddressB)
		s.Start()
		c := s.Dial(proxytest.OfficePort)
		asked := func() [2]int {
			own.Requests()
			other.Requests()
			require.Equal(t, codec.ResSuccess, c.Call(&codec.Command{Code: codec.ReqGetBrokerClusterInfo}).Code)
			return [2]int{len(own.Requests()), len(other.Requests())}
		}
		asked()
		require.Equal(t, [2]int{0, 0}, asked(), "they are fresh")
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-b", codec.ReqUpdateAndCreateTopic)).Code)
		require.Equal(t, [2]int{0, 1}, asked())
		time.Sleep(time.Minute)
		asked()
		require.Equal(t, [2]int{0, 0}, asked())
		all := c.Call(&codec.Command{Code: codec.ReqUpdateAndCreateTopic, Ext: map[string]string{"topic": "%RETRY%group"}})
		require.Equal(t, codec.ResSuccess, all.Code, all.Remark)
		require.Equal(t, [2]int{1, 1}, asked(), "all brokers were asked")
	})
}

// A request that several brokers must see whole may arrive in pieces, between others.
func TestOnOnePortARequestIsGathered(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		p.a.Answers(proxytest.Succeed)
		p.b.Answers(proxytest.Succeed)
		c := p.dial()
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-a", 10)).Code)
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-b", 10)).Code)
		p.a.Requests()
		p.b.Requests()
		beat := proxytest.Frame(&codec.Command{Code: codec.ReqHeartBeat, Opaque: 100, Body: []byte(proxytest.FullHeartbeat)})
		last := proxytest.Frame(&codec.Command{Code: 11, Opaque: 101, Ext: map[string]string{"bname": "broker-b"}})
		all := append(append(proxytest.Frame(&codec.Command{Code: 10, Opaque: 99, Ext: map[string]string{"bname": "broker-a"}}), beat...), last...)
		cut := len(all) - len(last) - 20
		c.Write(all[:cut-30])
		c.Write(all[cut-30 : cut])
		c.Write(all[cut:])
		var got []int32
		for range 3 {
			got = append(got, c.Next().Opaque)
		}
		require.ElementsMatch(t, []int32{99, 100, 101}, got)
		for _, broker := range []*proxytest.FakeBroker{p.a, p.b} {
			requests := broker.Requests()
			require.Len(t, requests, 2)
			for _, r := range requests {
				if r.Code == codec.ReqHeartBeat {
					require.Equal(t, proxytest.FullHeartbeat, string(r.Body))
				}
			}
		}
	})
}

// A joined answer does not get into another one of which the end and the last part come together.
func TestOnOnePortAJoinedAnswerWaitsForTheEndOfAFrame(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		pull := to("broker-a", 11)
		c.Send(pull)
		a := p.a.Accept()
		a.Next()
		c.Send(proxytest.ConsumerHeartbeat())
		beat := a.Next()
		messages := pull.Answer(codec.ResSuccess, "")
		messages.Body = make([]byte, 3000)
		frame := proxytest.Frame(messages)
		a.Write(frame[:1000])
		a.Write(append(frame[1000:], proxytest.Frame(beat.Answer(codec.ResSuccess, ""))...))
		require.True(t, bytes.Equal(messages.Body, c.Next().Body), "the body is whole")
		require.Equal(t, beat.Opaque, c.Next().Opaque)
	})
}

// An opaque that takes as much room as the one before is changed in place.
func TestOnOnePortPushesOfBothEncodings(t *testing.T) {
	for _, encoding := range []codec.Encoding{codec.JSON, codec.Binary} {
		onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
			c := p.dial()
			c.Send(to("broker-a", 10))
			a := p.a.Accept()
			a.Next()
			for n := range int32(12) {
				push := &codec.Command{Code: codec.ReqGetConsumerRunningInfo, Opaque: 7 + n, Body: []byte("push")}
				a.Write(push.Append(nil, encoding))
				came := c.Next()
				require.Equal(t, "push", string(came.Body))
				answer := came.Answer(codec.ResSuccess, "")
				answer.Body = []byte("answer")
				c.Write(answer.Append(nil, encoding))
				back := a.Next()
				require.Equal(t, 7+n, back.Opaque)
				require.Equal(t, "answer", string(back.Body))
			}
		})
	}
}

// Polls that brokers hold are not waited for on any of the links.
func TestOnOnePortADrainAnswersHeldPollsOfAllBrokers(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		for i, broker := range []string{"broker-a", "broker-b"} {
			pull := to(broker, 11)
			pull.Opaque, pull.Ext["queueOffset"] = int32(i)+1, "7"
			c.Send(pull)
		}
		p.a.Accept().Next()
		p.b.Accept().Next()
		p.Drain(messages.Drain{})
		time.Sleep(5 * time.Second)
		require.ElementsMatch(t, []int32{1, 2}, c.Opaques())
		require.False(t, c.Open())
	})
}

// A broker that is lost in the middle of its part of an answer counts as silent.
func TestOnOnePortALossInTheMiddleOfAPart(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		c.Send(&codec.Command{Code: codec.ReqViewMessageByID, Ext: map[string]string{"offset": "5"}})
		a, b := p.a.Accept(), p.b.Accept()
		atA, atB := a.Next(), b.Next()
		hit := atA.Answer(codec.ResSuccess, "")
		hit.Body = make([]byte, 3000)
		a.Write(proxytest.Frame(hit)[:1000])
		b.WriteFrames(atB.Answer(codec.ResSystemError, "no such message"))
		c.Quiet()
		p.a.Crash()
		require.Equal(t, "no such message", c.Next().Remark)
	})
}

// Behind NAT clients are told the address and the port of the outside, for every broker.
func TestOnOnePortTheAdvertisedPortIsTold(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{Listener: func(l *actors.Listener) {
		l.OnePort, l.Advertise, l.AdvertisePort = true, "203.0.113.7", 30876
	}}, func(t *testing.T, s *proxytest.Sim) {
		s.StartNameServer(0, proxytest.AAndB)
		s.Start()
		route := string(s.Dial(proxytest.OfficePort).Call(proxytest.RouteRequest("topic")).Body)
		require.Equal(t, 2, strings.Count(route, "203.0.113.7:30876"))
		require.NotContains(t, route, "10.0.")
	})
}

// Old clients dial two ports below the one that they are told, and are led to the brokers' own VIP ports.
func TestOnOnePortTheVIPPortLeadsToVIPPorts(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{Listener: func(l *actors.Listener) {
		l.OnePort, l.Ports.VIP = true, true
	}}, func(t *testing.T, s *proxytest.Sim) {
		s.StartNameServer(0, proxytest.AAndB)
		s.FakeBroker(proxytest.AddressA)
		vip := s.FakeBroker(proxytest.VIP(proxytest.AddressA))
		vip.Answers(proxytest.Succeed)
		s.Start()
		require.Equal(t, codec.ResSuccess, s.Dial(proxytest.VIP(proxytest.OfficePort)).Call(to("broker-a", 10)).Code)
		require.Len(t, vip.Requests(), 1)
	})
}

// The answers that wait for others of their fan-out are counted, and a client may not have many of them.
func TestOnOnePortAnswersThatWaitForOthersAreCounted(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		c := p.dial()
		const n, size = 40, 1 << 20
		for i := range n {
			c.WriteFrames(&codec.Command{Code: codec.ReqViewMessageByID, Opaque: int32(i + 1), Ext: map[string]string{"offset": "0"}})
		}
		a, _ := p.a.Accept(), p.b.Accept()
		before, _ := p.Env.Transport.Buffered()
		answered := 0
		for asked := a.Opaques(); len(asked) > 0; asked = a.Opaques() {
			for _, opaque := range asked {
				found := codec.Command{Code: codec.ResSuccess, Flag: codec.FlagResponse, Opaque: opaque, Body: make([]byte, size)}
				a.WriteFrames(&found)
				answered++
			}
		}
		synctest.Wait()
		held, _ := p.Env.Transport.Buffered()
		t.Log(answered, held-before)
		require.Less(t, answered, n/2)
		require.Greater(t, held-before, int64(answered*size)-64<<10)
		p.b.Crash() // those of the other are the clients'
		got := 0
		for got < answered {
			require.Equal(t, codec.ResSuccess, c.Next().Code)
			got++
		}
	})
}
