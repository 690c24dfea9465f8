package connection_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// maintain puts parts of the cluster into maintenance, from now on.
func maintain(s *proxytest.Sim, entries ...route.Maintained) {
	for i := range entries {
		entries[i].Since = s.Env.Now()
	}
	s.Cluster().MaintainParts(entries)
}

// shown are the permissions of the brokers in the route of a topic.
func shown(t *testing.T, c *proxytest.Client, topic string) map[string]int {
	t.Helper()
	a := c.Call(proxytest.RouteRequest(topic))
	require.Equal(t, codec.ResSuccess, a.Code, "17 would have producers create the topic: %s", a.Remark)
	var body struct {
		QueueDatas []struct {
			BrokerName string
			Perm       int
		}
		BrokerDatas []struct{ BrokerName string }
	}
	require.NoError(t, json.Unmarshal(a.Body, &body))
	perms := map[string]int{}
	for _, q := range body.QueueDatas {
		perms[q.BrokerName] = q.Perm
	}
	require.Len(t, body.BrokerDatas, len(perms))
	return perms
}

func TestMaintenanceIsShownAtOnceAndRefusedAfterItsGrace(t *testing.T) {
	lossTest(t, func(t *testing.T, s *proxytest.Sim, a *proxytest.FakeBroker) {
		names, c := s.Dial(proxytest.OfficePort), s.Dial(s.Port(proxytest.BrokerA))
		send := func(code int32, topic string) int32 {
			return c.Call(&codec.Command{Code: code, Ext: map[string]string{"topic": topic, "b": topic}}).Code
		}
		both := map[string]int{"broker-a": 6, "broker-b": 6}
		require.Equal(t, both, shown(t, names, "topic"))
		require.Equal(t, codec.ResSuccess, send(codec.ReqSendMessage, "topic"))

		maintain(s, route.Maintained{Broker: "broker-a", Mode: route.ReadOnly, Grace: 40 * time.Second})
		require.Equal(t, map[string]int{"broker-a": 4, "broker-b": 6}, shown(t, names, "topic"))
		time.Sleep(40*time.Second - time.Millisecond)
		require.Equal(t, codec.ResSuccess, send(codec.ReqSendMessage, "topic"))
		time.Sleep(time.Millisecond)
		require.Equal(t, codec.ResServiceNotAvailable, send(codec.ReqSendMessage, "topic"))
		require.Equal(t, codec.ResServiceNotAvailable, send(codec.ReqSendMessageV2, "topic"))
		require.Equal(t, codec.ResSuccess, send(codec.ReqSendMessageV2, "%RETRY%g"))
		require.Equal(t, codec.ResSuccess, send(codec.ReqPullMessage, "topic"))
		other := s.Dial(s.Port(proxytest.BrokerB))
		require.Equal(t, codec.ResSuccess, other.Call(proxytest.SendRequest()).Code, "the others are left alone")

		maintain(s, route.Maintained{Topic: "topic", Mode: route.Off})
		require.Empty(t, shown(t, names, "topic"), "nothing is left, and yet there is a route")
		require.Equal(t, both, shown(t, names, "topic-b"))
		require.Equal(t, codec.ResServiceNotAvailable, send(codec.ReqPullMessage, "topic"))
		require.Equal(t, codec.ResSuccess, send(codec.ReqUpdateConsumerOffset, "topic"))
		require.Equal(t, codec.ResSuccess, send(codec.ReqPullMessage, "topic-b"))
		info := string(names.Call(&codec.Command{Code: codec.ReqGetBrokerClusterInfo}).Body)
		require.Contains(t, info, "broker-a", "tools see all brokers")

		maintain(s)
		require.Equal(t, both, shown(t, names, "topic"))
		require.Equal(t, codec.ResSuccess, send(codec.ReqSendMessage, "topic"))
		time.Sleep(60 * time.Millisecond)
		require.Equal(t, 3, s.Stat("maintenance_failure"))
	})
}

// On one port a broker in maintenance, or one that is paused, leaves the others alone.
func TestOnOnePortMaintenanceAndPausesAreOfOneBroker(t *testing.T) {
	onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
		p.a.Answers(proxytest.Succeed)
		p.b.Answers(proxytest.Succeed)
		c := p.dial()
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-a", codec.ReqSendMessage)).Code)
		maintain(p.Sim, route.Maintained{Broker: "broker-a", Mode: route.Off, Grace: time.Second})
		require.Equal(t, map[string]int{"broker-b": 6}, shown(t, c, "topic"))
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-a", codec.ReqSendMessage)).Code)
		time.Sleep(time.Second)
		require.Equal(t, codec.ResServiceNotAvailable, c.Call(to("broker-a", codec.ReqSendMessage)).Code)
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-b", codec.ReqSendMessage)).Code)
		maintain(p.Sim)

		pause(p.Sim)
		waits := c.Send(to("broker-a", codec.ReqSendMessage))
		require.Equal(t, codec.ResSuccess, c.Call(to("broker-b", codec.ReqSendMessage)).Code)
		require.EqualValues(t, 1, parkedNow(p.Sim))
		time.Sleep(1900 * time.Millisecond)
		c.Quiet()
		resume(p.Sim)
		a := c.Next()
		require.Equal(t, waits, a.Opaque)
		require.Equal(t, codec.ResSuccess, a.Code)

		pause(p.Sim)
		waits = c.Send(to("broker-a", codec.ReqSendMessage))
		time.Sleep(2100 * time.Millisecond)
		a = c.Next()
		require.Equal(t, waits, a.Opaque)
		require.Equal(t, codec.ResServiceNotAvailable, a.Code)
		require.Contains(t, a.Remark, "broker broker-a/0 is paused")
	})
}

// A broker that leaves maintenance, or enters it, does so at once for requests that are balanced.
func TestBalancedRequestsFollowMaintenanceAtOnce(t *testing.T) {
	balanced(t, func(t *testing.T, p *onePort) {
		p.a.Answers(proxytest.Succeed)
		p.b.Answers(proxytest.Succeed)
		c := p.dial()
		sent := func() (a, b int) {
			for range 4 {
				require.Equal(t, codec.ResSuccess, c.Call(&codec.Command{Code: 10, Ext: map[string]string{"topic": "topic"}}).Code)
			}
			return len(p.a.Requests()), len(p.b.Requests())
		}
		for range 2 {
			a, b := sent()
			require.Equal(t, []int{2, 2}, []int{a, b})
			maintain(p.Sim, route.Maintained{Broker: "broker-a", Grace: time.Minute})
			a, b = sent()
			require.Equal(t, []int{0, 4}, []int{a, b})
			maintain(p.Sim)
		}
	})
}

// An answer to a request of a broker goes out after the pause under the opaque that the broker knows.
func TestOnOnePortAnswersToPushesWaitForAPausedBroker(t *testing.T) {
	for _, opaque := range []int32{5, 12345} {
		for _, cut := range []int{0, 20} {
			onOnePort(t, proxytest.Options{}, func(t *testing.T, p *onePort) {
				c := p.dial()
				c.Send(to("broker-a", 10))
				a := p.a.Accept()
				a.Next()
				a.WriteFrames(&codec.Command{Code: codec.ReqGetConsumerRunningInfo, Opaque: opaque})
				answer := c.Next().Answer(codec.ResSuccess, "")
				answer.Body = []byte(strings.Repeat("running ", 10))
				frame := proxytest.Frame(answer)
				pause(p.Sim)
				c.Write(frame[:len(frame)-cut])
				a.Quiet()
				c.Write(frame[len(frame)-cut:])
				a.Quiet()
				resume(p.Sim)
				back := a.Next()
				require.Equal(t, opaque, back.Opaque)
				require.Equal(t, answer.Body, back.Body)
				c.Send(to("broker-a", 11))
				require.Equal(t, int32(11), a.Next().Code)
				c.Close()
				held, _ := p.Env.Transport.Buffered()
				require.Zero(t, held)
			})
		}
	}
}

// The time that a request is parked for counts among that which a slow broker has.
func TestOnOnePortAPausedBrokerIsSlow(t *testing.T) {
	onOnePort(t, proxytest.Options{Settings: actors.Settings{OnePortTimeout: 2700 * time.Millisecond}}, func(t *testing.T, p *onePort) {
		p.a.Answers(proxytest.Silent)
		c := p.dial()
		pause(p.Sim)
		began := time.Now()
		lock := to("broker-a", codec.ReqLockBatchMQ)
		lock.Opaque, lock.Body = 1, []byte(`{"mqSet":[{"brokerName":"broker-a","topic":"topic","queueId":0}]}`)
		send := to("broker-a", codec.ReqSendMessage)
		send.Opaque = 2
		c.WriteFrames(lock, send)
		require.EqualValues(t, 2, parkedNow(p.Sim))
		require.EqualValues(t, 1, c.Next().Opaque)
		require.InDelta(t, 0.8, time.Since(began).Seconds(), 0.02)
		time.Sleep(time.Second)
		resume(p.Sim)
		a := c.Next()
		require.EqualValues(t, 2, a.Opaque)
		require.Contains(t, a.Remark, "timeouts.one_port")
		require.InDelta(t, 2.7, time.Since(began).Seconds(), 0.06)
	})
}
