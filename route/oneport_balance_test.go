package route_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// balanced is the table of a listener with unnamed = "balance".
func balanced(list ...string) *route.Table {
	t := brokers(list...)
	t.OnePort.Balance, t.OnePort.Life = true, 30*time.Second
	return t
}

func TestSendsAndPopsWithoutANameAreBalanced(t *testing.T) {
	f := func(table *route.Table, topic route.Topic, code int32, want map[string]int) {
		t.Helper()
		client, got := knowing("News", topic), map[string]int{}
		for range 12 {
			c, _ := requestOf(code, ofTopic, "")
			got[said(decide(table, onOnePort(client), c))]++
		}
		require.Equal(t, want, got)
	}
	readOnly := on("a1", "a2", "a3")
	readOnly.Brokers[1].Writable = false
	for _, code := range []int32{10, 310, 320, 324, 325, 50, 200050} {
		f(balanced("a1", "a2", "a3"), on("a1", "a2", "a3"), code, map[string]int{"a1": 4, "a2": 4, "a3": 4})
		f(balanced("a1", "a2", "a3"), readOnly, code, map[string]int{"a1": 6, "a3": 6})
		f(balanced("!a1", "a2", "a3"), on("a1", "a2", "a3"), code, map[string]int{"a2": 6, "a3": 6})
		f(balanced("!a1", "!a2", "a3"), on("a1", "a2"), code, map[string]int{"a1": 6, "a2": 6})
		f(balanced("a1", "a2", "a3"), route.Topic{}, code, map[string]int{"15": 12})
		f(balanced("a1", "a2", "a3"), on("a2"), code, map[string]int{"a2": 12})
		f(brokers("a1", "a2", "a3"), on("a1", "a2", "a3"), code, map[string]int{"15": 12})
		require.Equal(t, route.AskTopics, decide(balanced("a1", "a2"), onOnePort(&route.Client{}), func() *codec.Command { c, _ := requestOf(code, ofTopic, ""); return c }()).Action)
	}
	for _, code := range []int32{11, 14, 15, 36, 37, 200053, 200054} {
		f(balanced("a1", "a2", "a3"), on("a1", "a2", "a3"), code, map[string]int{"15": 12})
	}
}

// A request that has to wait is decided again, as often as somebody looks.
func TestARequestThatIsDecidedAgainCountsOnce(t *testing.T) {
	client := knowing("News", on("a1", "a2"))
	client.Balanced = 1 // so that a1 is next
	f := func(c *codec.Command, waits int, want string) {
		t.Helper()
		for range waits {
			require.Equal(t, want, said(decide(balanced("a1", "a2"), onOnePort(client), c)))
			client.Undecided()
		}
		require.Equal(t, want, said(decide(balanced("a1", "a2"), onOnePort(client), c)))
	}
	send := &codec.Command{Code: 10, Ext: map[string]string{"topic": "News"}}
	query := &codec.Command{Code: 12, Ext: map[string]string{"topic": "News", "key": "k"}}
	for _, c := range []*codec.Command{send, query} {
		f(c, 0, "a1")
		f(c, 3, "a2")
		f(c, 1, "a1")
		f(&codec.Command{Code: 14, Ext: map[string]string{"bname": "a1"}}, 3, "a1") // takes nothing back that others counted
		f(c, 0, "a2")
	}
}

// What is in maintenance counts from the moment that it is, however long the brokers of the topic have been known.
func TestBalancedRequestsAvoidBrokersInMaintenance(t *testing.T) {
	f := func(m route.Maintenance, code int32, want map[string]int) {
		t.Helper()
		client, got := knowing("News", on("a1", "a2", "a3")), map[string]int{}
		for range 12 {
			c, _ := requestOf(code, ofTopic, "")
			table := balanced("a1", "a2", "a3")
			table.Maintenance = m
			got[said(decide(table, onOnePort(client), c))]++
		}
		require.Equal(t, want, got)
	}
	entry := func(e route.Maintained) route.Maintenance {
		e.Grace = time.Minute
		return route.Maintenance{Entries: []route.Maintained{e}}
	}
	all, others := map[string]int{"a1": 4, "a2": 4, "a3": 4}, map[string]int{"a1": 6, "a3": 6}
	for _, code := range []int32{10, 310, 200050, 50} {
		f(route.Maintenance{Brokers: []string{"a2"}}, code, others)
		f(entry(route.Maintained{Broker: "a2", Mode: route.Off}), code, others)
		f(entry(route.Maintained{Broker: "a2", Topic: "Other", Mode: route.Off}), code, all)
		f(entry(route.Maintained{Topic: "News", Mode: route.Off}), code, all)
		f(route.Maintenance{Brokers: []string{"a1", "a2", "a3"}}, code, map[string]int{"14": 12})
	}
	f(entry(route.Maintained{Broker: "a2"}), 310, others)
	f(entry(route.Maintained{Broker: "a2"}), 200050, all)
}

func TestEnvoysCodesBecomeThoseThatBrokersKnow(t *testing.T) {
	f := func(table *route.Table, code int32, want *route.Edit) {
		t.Helper()
		c := &codec.Command{Code: code, Ext: map[string]string{"bname": "a2", "extraInfo": "1 2 3 0 0 a2 5 7"}}
		v := decide(table, onOnePort(nil), c)
		require.Equal(t, "a2", said(v))
		require.Equal(t, want, v.Edit)
	}
	f(balanced("a1", "a2"), 50, &route.Edit{Code: 200050})
	f(balanced("a1", "a2"), 51, &route.Edit{Code: 200051})
	f(balanced("a2"), 50, &route.Edit{Code: 200050})
	f(balanced("a1", "a2"), 200050, nil)
	f(balanced("a1", "a2"), 10, nil)
	f(brokers("a1", "a2"), 50, nil)

	h := codec.Header{Code: 50, Encoding: codec.Binary}
	v := route.Decide(balanced("a1"), onOnePort(nil), &h, nil)
	require.Equal(t, "15", said(v))
	require.Contains(t, v.Remark, "send a JSON header")
}

// popper is a client that pops, and acks without the handles.
type popper struct {
	t      *testing.T
	table  *route.Table
	client *route.Client
}

// popped has a broker answer a pop of group g.
func (p *popper) popped(broker, starts, offsets string) {
	answer := codec.Command{Flag: codec.FlagResponse, Ext: map[string]string{
		"popTime": "1700000000000", "invisibleTime": "60000", "reviveQid": "3", "startOffsetInfo": starts, "msgOffsetInfo": offsets,
	}}
	frame := answer.Append(nil, codec.JSON)
	var h codec.Header
	require.NoError(p.t, h.Scan(frame[codec.PrefixLen:], codec.JSON))
	p.client.Popped(route.Pop{Broker: broker, Group: "g", Topic: "News"}, &h, frame[codec.PrefixLen:])
}

func (p *popper) ack(code int32, topic string, queue, offset int, ext ...string) route.Verdict {
	c := &codec.Command{Code: code, Ext: map[string]string{
		"consumerGroup": "g", "topic": topic, "queueId": fmt.Sprint(queue), "offset": fmt.Sprint(offset),
	}}
	for i := 0; i < len(ext); i += 2 {
		c.Ext[ext[i]] = ext[i+1]
	}
	return decide(p.table, onOnePort(p.client), c)
}

func (p *popper) acked(want, handle string, v route.Verdict) {
	p.t.Helper()
	require.Equal(p.t, want, said(v), v.Remark)
	require.Equal(p.t, &route.Edit{Code: 200051, Handle: handle}, v.Edit)
}

func (p *popper) refused(remark string, v route.Verdict) {
	p.t.Helper()
	require.Equal(p.t, codec.ResVersionNotSupported, v.Code)
	require.Contains(p.t, v.Remark, remark)
}

func TestAnAckWithoutAHandleGoesWhereThePopCameFrom(t *testing.T) {
	p := &popper{t, balanced("a1", "a2"), &route.Client{Now: 1e12}}
	p.popped("a2", "0 3 100;1 0 5", "0 3 100,101,104;1 0 7")
	for _, code := range []int32{51, 200051} {
		p.acked("a2", "100 1700000000000 60000 3 0 a2 3 104", p.ack(code, "News", 3, 104))
		p.acked("a2", "100 1700000000000 60000 3 0 a2 3 104", p.ack(code, "News", 3, 104, "bname", "a2", "extraInfo", ""))
		p.acked("a2", "5 1700000000000 60000 3 1 a2 0 7", p.ack(code, "News", 0, 7))
		p.acked("a2", "5 1700000000000 60000 3 1 a2 0 7", p.ack(code, "%RETRY%g_News", 0, 7))
		p.refused("has not popped its message within listener.transient_object_life_span (30s)", p.ack(code, "News", 3, 102))
		p.refused("has not popped its message", p.ack(code, "%RETRY%g_News", 3, 104))
		p.refused("has not popped its message", p.ack(code, "News", 3, 104, "bname", "a1"))
		p.refused("has not popped its message", p.ack(code, "Other", 3, 104))
		p.refused("has not popped its message", p.ack(code, "News", 3, 104, "offset", "x"))
		require.Equal(t, "14", said(p.ack(code, "News", 3, 104, "bname", "z")))
	}
	v := p.ack(200051, "News", 3, 104, "extraInfo", "1 2 3 0 0 a1 5 7")
	require.Equal(t, "a1", said(v))
	require.Nil(t, v.Edit, "it has a handle")
}

func TestOfTwoBrokersNoneIsGuessed(t *testing.T) {
	p := &popper{t, balanced("a1", "a2"), &route.Client{Now: 1e12}}
	p.popped("a1", "0 3 100", "0 3 100")
	p.popped("a2", "0 3 90", "0 3 100")
	p.refused("from several brokers or topics (a2, a1)", p.ack(51, "News", 3, 100))
	p.acked("a1", "100 1700000000000 60000 3 0 a1 3 100", p.ack(51, "News", 3, 100, "bname", "a1"))
	p.popped("a1", "1 3 7", "1 3 100")
	p.refused("(a1 (retried), a1)", p.ack(51, "News", 3, 100, "bname", "a1"))
	p.popped("a1", "0 4 1", "0 4 1")
	p.popped("a1", "0 4 2", "0 4 1") // again: its time to be acked was over
	p.acked("a1", "2 1700000000000 60000 3 0 a1 4 1", p.ack(51, "News", 4, 1))
	p.table = balanced("a2")
	require.Equal(t, "14", said(p.ack(51, "News", 4, 1)), "the broker is gone")
}

func TestWhereAPopCameFromIsForgotten(t *testing.T) {
	p := &popper{t, balanced("a1", "a2"), &route.Client{Now: 1e12}}
	p.popped("a1", "0 3 100", "0 3 100")
	p.client.Now += int64(29 * time.Second)
	p.popped("a2", "0 3 100", "0 3 200")
	p.acked("a1", "100 1700000000000 60000 3 0 a1 3 100", p.ack(51, "News", 3, 100))
	p.client.Now += int64(time.Second)
	p.refused("has not popped", p.ack(51, "News", 3, 100))
	require.Equal(t, 600, p.client.PoppedBytes())
	p.client.ForgetPops(int64(30 * time.Second))
	require.Equal(t, 300, p.client.PoppedBytes())
	p.acked("a2", "100 1700000000000 60000 3 0 a2 3 200", p.ack(51, "News", 3, 200))
	p.client.Now += int64(time.Hour)
	p.client.ForgetPops(int64(30 * time.Second))
	require.Zero(t, p.client.PoppedBytes())

	for i := range 11_000 {
		p.popped("a1", "0 3 1", fmt.Sprintf("0 3 %d", i))
	}
	require.Equal(t, 3_000_000, p.client.PoppedBytes())
	p.refused("has not popped", p.ack(51, "News", 3, 999))
	p.acked("a1", "1 1700000000000 60000 3 0 a1 3 1000", p.ack(51, "News", 3, 1000))
}

func TestAnswersToPopsMaySayAnything(t *testing.T) {
	p := &popper{t, balanced("a1", "a2"), &route.Client{Now: 1e12}}
	for _, starts := range []string{"", ";", "0", "0 3", "0 3 x", "0 x 3", "xx 3 1", "0 3 1;;0 4 2"} {
		for _, offsets := range []string{"", ";", "0", "0 3", "0 3 ,", "0 q 1", "xx 3 1", "0 4 1,x,2;"} {
			p.popped("a1", starts, offsets)
		}
	}
	p.acked("a1", "2 1700000000000 60000 3 0 a1 4 2", p.ack(51, "News", 4, 2))
}

func TestPopOf(t *testing.T) {
	f := func(code int32, group string, ok bool) {
		c := codec.Command{Code: code, Ext: map[string]string{"consumerGroup": group, "topic": "News"}}
		frame := c.Append(nil, codec.JSON)
		var h codec.Header
		require.NoError(t, h.Scan(frame[codec.PrefixLen:], codec.JSON))
		pop := route.PopOf(&h, frame[codec.PrefixLen:], "a1")
		if !ok {
			require.Nil(t, pop)
			return
		}
		require.Equal(t, &route.Pop{Broker: "a1", Group: "g", Topic: "News"}, pop)
	}
	f(50, "g", true)
	f(200050, "g", true)
	f(200052, "g", false)
	f(11, "g", false)
	f(200050, strings.Repeat("g", 1025), false) // it would be kept with each answer
}
