package embedded_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// outage starts a broker with topic News and a peer of it.
func outage(t *testing.T) (*embedded.Broker, *peer) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	require.NoError(t, b.CreateTopic("News", 1))
	return b, dial(t, b.Addr())
}

func TestHoldKeepsAnswersUntilReleased(t *testing.T) {
	b, p := outage(t)
	held := b.Fault(codec.ReqSendMessage, embedded.Hold())
	first := p.write(codec.ReqSendMessage, sendFields("News", 0, ""), "x")
	require.NoError(t, held.WaitHeld(patience(t), 1))
	require.Len(t, b.Messages("News"), 1, "the request has been handled")
	p.ok(codec.ReqGetMaxOffset, "topic=News queueId=0", "") // others are answered
	held.Release()
	require.Equal(t, codec.ResSuccess, p.answer(first).Code)
	second := p.write(codec.ReqSendMessage, sendFields("News", 0, ""), "x")
	require.NoError(t, held.WaitHeld(patience(t), 1))
	held.Remove()
	p.answer(second)
	p.send("News", 0, "x", "")
	require.Equal(t, 2, held.Hits())
}

// A poll that was struck when it came is answered later, maybe when the fault has been removed: nobody would release it then.
func TestHoldKeepsNoAnswerThatIsMadeAfterItWasRemoved(t *testing.T) {
	b, p := outage(t)
	held := b.Fault(codec.ReqPullMessage, embedded.Hold())
	poll := p.write(codec.ReqPullMessage, pullFields("g", "News", 0, 0, "sysFlag=6"), "")
	require.NoError(t, held.WaitHits(patience(t), 1))
	held.Remove()
	dial(t, b.Addr()).send("News", 0, "x", "")
	require.Equal(t, []string{"x"}, bodies(messages(t, p.answer(poll).Body)))
}

func TestDropLosesRequestsAndDropAnswerOnlyAnswers(t *testing.T) {
	b, p := outage(t)
	lost := b.Fault(codec.ReqSendMessage, embedded.Drop().Once())
	untold := b.Fault(codec.ReqSendMessage, embedded.DropAnswer().Times(2))
	for range 3 {
		p.write(codec.ReqSendMessage, sendFields("News", 0, ""), "x")
	}
	require.NoError(t, untold.WaitHits(patience(t), 2))
	require.Equal(t, 1, lost.Hits())
	p.send("News", 0, "x", "")
	require.Len(t, b.Messages("News"), 3)
	require.Equal(t, 4, b.Requests(codec.ReqSendMessage))
}

func TestAnswerStrikesWhatItIsMeantFor(t *testing.T) {
	b, p := outage(t)
	busy := b.Fault(embedded.AnyCode, embedded.Answer(codec.ResSystemBusy, "[REJECTREQUEST] no").When(func(c *codec.Command) bool {
		return c.Ext["topic"] == "Other"
	}))
	p.send("News", 0, "x", "")
	answer := p.call(codec.ReqSendMessage, sendFields("Other", 0, ""), "x")
	require.Equal(t, codec.ResSystemBusy, answer.Code)
	require.Equal(t, "[REJECTREQUEST] no", answer.Remark)
	require.NotContains(t, b.Topics(), "Other")
	b.RemoveFaults()
	p.send("Other", 0, "x", "")
	require.Equal(t, 1, busy.Hits())
}

func TestDelayAnswersLater(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	ns := cl.NameServer(0)
	late := ns.Fault(codec.ReqGetBrokerClusterInfo, embedded.Delay(3*time.Second).Once())
	p := dial(t, ns.Addr())
	opaque := p.write(codec.ReqGetBrokerClusterInfo, nil, "")
	require.NoError(t, late.WaitHits(patience(t), 1))
	p.ok(codec.ReqGetBrokerClusterInfo, "", "")
	clock.Advance(3 * time.Second)
	p.answer(opaque)
}

func TestKillResetsTheConnection(t *testing.T) {
	b, p := outage(t)
	b.Fault(codec.ReqSendMessage, embedded.Kill().Once())
	p.write(codec.ReqSendMessage, sendFields("News", 0, ""), "x")
	_, err := p.r.ReadByte()
	require.ErrorContains(t, err, "reset by peer")
	require.Empty(t, b.Messages("News"))
	dial(t, b.Addr()).send("News", 0, "x", "")
}

func TestSlowTrickles(t *testing.T) {
	b, p := outage(t)
	p.send("News", 0, strings.Repeat("x", 4000), "")
	b.Fault(codec.ReqPullMessage, embedded.Slow(40_000).Once())
	began := time.Now()
	answer := p.call(codec.ReqPullMessage, pullFields("g", "News", 0, 0, ""), "")
	require.Len(t, messages(t, answer.Body), 1)
	require.Greater(t, time.Since(began), 60*time.Millisecond, "4 kB at 40 kB/s take a tenth of a second")
}

func TestGarbageAndCutAnswers(t *testing.T) {
	b, p := outage(t)
	b.Fault(codec.ReqSendMessage, embedded.Garbage([]byte("HTTP/1.1 400\r\n\r\n")).Once())
	p.write(codec.ReqSendMessage, sendFields("News", 0, ""), "x")
	got := make([]byte, 16)
	_, err := io.ReadFull(p.r, got)
	require.NoError(t, err)
	require.Equal(t, "HTTP/1.1 400\r\n\r\n", string(got))

	b.Fault(codec.ReqSendMessage, embedded.CutAnswer(20).Once())
	p.write(codec.ReqSendMessage, sendFields("News", 0, ""), "x")
	rest, err := io.ReadAll(p.r)
	require.NoError(t, err)
	require.Len(t, rest, 20)
}

func TestPauseReadingLeavesRequestsInTheSocket(t *testing.T) {
	b, p := outage(t)
	p.send("News", 0, "x", "")
	b.PauseReading()
	second := dial(t, b.Addr())
	require.NoError(t, b.WaitConnections(patience(t), 2))
	opaque := second.write(codec.ReqSendMessage, sendFields("News", 0, ""), "x")
	require.Equal(t, 1, b.Requests(codec.ReqSendMessage))
	b.ResumeReading()
	second.answer(opaque)
}

func TestBrokerStopsAndComesBack(t *testing.T) {
	cl := start(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
	a := cl.Broker("broker-a")
	ns, p := dial(t, cl.NameServers()[0]), dial(t, a.Addr())
	p.send("News", 0, "before", "")
	p.beat("c1", []string{"g:News"})
	waits := p.write(codec.ReqPullMessage, pullFields("g", "News", 0, 1, "sysFlag=6"), "")
	_ = waits

	a.Stop()
	p.closed()
	_, err := net.Dial("tcp", a.Addr())
	require.Error(t, err)
	require.Equal(t, codec.ResTopicNotExist, ns.call(codec.ReqGetRouteInfoByTopic, ext("topic=News"), "").Code)
	require.NotContains(t, string(ns.ok(codec.ReqGetBrokerClusterInfo, "", "").Body), "broker-a")

	addr := a.Addr()
	require.NoError(t, a.Restart())
	require.Equal(t, addr, a.Addr())
	require.Empty(t, a.Members("g"))
	p = dial(t, a.Addr())
	answer := p.call(codec.ReqPullMessage, pullFields("g", "News", 0, 0, ""), "")
	require.Equal(t, []string{"before"}, bodies(messages(t, answer.Body)))
	require.Contains(t, string(ns.ok(codec.ReqGetRouteInfoByTopic, "topic=News", "").Body), addr)

	a.Cut()
	require.Contains(t, string(ns.ok(codec.ReqGetRouteInfoByTopic, "topic=News", "").Body), addr, "the name servers have not noticed")
}

func TestBrokersComeAndGo(t *testing.T) {
	cl := start(t, embedded.Options{NameServers: 2})
	ns := dial(t, cl.NameServers()[1])
	_, err := cl.AddBroker(embedded.BrokerOptions{Name: "broker-b", Advertise: "192.0.2.1:10911"})
	require.NoError(t, err)
	_, err = cl.AddBroker(embedded.BrokerOptions{Name: "broker-b"})
	require.ErrorContains(t, err, "a broker of this name and id exists")
	require.Contains(t, string(ns.ok(codec.ReqGetBrokerClusterInfo, "", "").Body), `{0:"192.0.2.1:10911"}`)
	require.NoError(t, cl.RemoveBroker("broker-b", 0))
	require.Error(t, cl.RemoveBroker("broker-b", 0))
	require.NotContains(t, string(ns.ok(codec.ReqGetBrokerClusterInfo, "", "").Body), "broker-b")

	cl.NameServer(1).Stop()
	ns.closed()
	require.NoError(t, cl.NameServer(1).Restart())
	dial(t, cl.NameServers()[1]).ok(codec.ReqGetBrokerClusterInfo, "", "")
}

func TestSlaveServesReadsWithoutItsMaster(t *testing.T) {
	cl := start(t, embedded.Options{Brokers: []embedded.BrokerOptions{{}, {ID: 1}}})
	master, slave := cl.Broker("broker-a"), cl.BrokerWithID("broker-a", 1)
	dial(t, master.Addr()).send("News", 0, "x", "")
	p := dial(t, slave.Addr())
	require.Equal(t, codec.ResServiceNotAvailable, p.call(codec.ReqSendMessage, sendFields("News", 0, ""), "y").Code)
	master.Stop()
	answer := p.call(codec.ReqPullMessage, pullFields("g", "News", 0, 0, ""), "")
	require.Equal(t, []string{"x"}, bodies(messages(t, answer.Body)))
	route := string(dial(t, cl.NameServers()[0]).ok(codec.ReqGetRouteInfoByTopic, "topic=News", "").Body)
	require.Contains(t, route, `{"1":"`+slave.Addr()+`"}`)
}

func TestVIPChannelDoesNotPull(t *testing.T) {
	cl := start(t, embedded.Options{VIPChannel: true})
	b := cl.Broker("broker-a")
	addr := net.TCPAddrFromAddrPort(netipAddrPort(t, b.Addr()))
	addr.Port -= 2
	p := dial(t, addr.String())
	p.send("News", 0, "x", "")
	require.Equal(t, codec.ResRequestCodeNotSupported, p.call(codec.ReqPullMessage, pullFields("g", "News", 0, 0, ""), "").Code)
}

func TestServersGoOnAfterNonsense(t *testing.T) {
	b, p := outage(t)
	bad := dial(t, b.Addr())
	_, err := bad.nc.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
	require.NoError(t, err)
	bad.closed()
	require.Equal(t, codec.ResSystemError, p.call(codec.ReqHeartBeat, nil, "no JSON").Code)
	p.send("News", 0, "x", "")
}
