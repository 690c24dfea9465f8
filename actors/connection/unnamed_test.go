package connection_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/limit"
)

// balanced runs a test with two brokers behind one port that balances what names none of them.
func balanced(t *testing.T, test func(t *testing.T, p *onePort)) {
	t.Helper()
	balancedWith(t, proxytest.Options{}, test)
}

func balancedWith(t *testing.T, o proxytest.Options, test func(t *testing.T, p *onePort)) {
	t.Helper()
	o.Listener = func(l *actors.Listener) { l.OnePort, l.Balance, l.PopLife = true, true, 30*time.Second }
	proxytest.InVirtualTime(t, o, func(t *testing.T, s *proxytest.Sim) {
		s.StartNameServer(0, proxytest.AAndB)
		p := &onePort{Sim: s, a: s.FakeBroker(proxytest.AddressA), b: s.FakeBroker(proxytest.AddressB)}
		s.Start()
		test(t, p)
	})
}

func TestRequestsThatNameNoBrokerAreBalanced(t *testing.T) {
	balanced(t, func(t *testing.T, p *onePort) {
		p.a.Answers(proxytest.Succeed)
		p.b.Answers(proxytest.Succeed)
		c := p.dial()
		for range 10 {
			require.Equal(t, codec.ResSuccess, c.Call(&codec.Command{Code: 10, Ext: map[string]string{"topic": "topic"}}).Code)
		}
		require.Len(t, p.a.Requests(), 5)
		require.Len(t, p.b.Requests(), 5)
	})
}

// A oneway send that a limit delays is decided again when its time comes.
func TestRequestsThatWaitAreBalancedOnce(t *testing.T) {
	balancedWith(t, limited(t, limit.Rule{Requests: 1, Burst: 1}), func(t *testing.T, p *onePort) {
		p.a.Answers(proxytest.Succeed)
		p.b.Answers(proxytest.Succeed)
		c := p.dial()
		for range 10 {
			c.Send(&codec.Command{Code: 10, Flag: codec.FlagOneway, Ext: map[string]string{"topic": "topic"}})
		}
		time.Sleep(20 * time.Second)
		require.Len(t, p.a.Requests(), 5)
		require.Len(t, p.b.Requests(), 5)
	})
}

func TestAnAckWithoutAHandleFindsItsPop(t *testing.T) {
	balanced(t, func(t *testing.T, p *onePort) {
		c := p.dial()
		ext := map[string]string{"consumerGroup": "g", "topic": "topic", "queueId": "3", "offset": "100", "bname": "broker-b"}
		c.Send(&codec.Command{Code: 50, Ext: ext})
		b := p.b.Accept()
		pop := b.Next()
		require.Equal(t, codec.ReqPopMessage, pop.Code)
		b.WriteFrames(&codec.Command{Flag: codec.FlagResponse, Opaque: pop.Opaque, Ext: map[string]string{
			"popTime": "1700000000000", "invisibleTime": "60000", "reviveQid": "0", "startOffsetInfo": "0 3 100", "msgOffsetInfo": "0 3 100",
		}, Body: []byte("messages")})
		require.Equal(t, "messages", string(c.Next().Body))

		delete(ext, "bname")
		c.Send(&codec.Command{Code: 51, Ext: ext, Body: []byte("body")})
		ack := b.Next()
		require.Equal(t, codec.ReqAckMessage, ack.Code)
		require.Equal(t, "100 1700000000000 60000 0 0 broker-b 3 100", ack.Ext["extraInfo"])
		require.Equal(t, "body", string(ack.Body))
		b.Answer(ack, "")
		require.Equal(t, codec.ResSuccess, c.Next().Code)

		p.Cluster().Pause("broker-b", time.Now())
		whole := proxytest.Frame(&codec.Command{Code: 51, Opaque: 99, Ext: ext, Body: []byte("the body")})
		c.Write(whole[:len(whole)-4])
		b.Quiet()
		c.Write(whole[len(whole)-4:])
		b.Quiet()
		p.Cluster().Resume("broker-b")
		ack = b.Next()
		require.Equal(t, codec.ReqAckMessage, ack.Code)
		require.Equal(t, "100 1700000000000 60000 0 0 broker-b 3 100", ack.Ext["extraInfo"])
		require.Equal(t, "the body", string(ack.Body))
		b.Answer(ack, "")
		require.Equal(t, int32(99), c.Next().Opaque)

		time.Sleep(31 * time.Second)
		late := c.Call(&codec.Command{Code: 51, Ext: ext})
		require.Equal(t, codec.ResVersionNotSupported, late.Code)
		require.Contains(t, late.Remark, "transient_object_life_span (30s)")
	})
}
