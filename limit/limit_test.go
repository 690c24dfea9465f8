package limit

import (
	"fmt"
	"net/netip"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// memory is a budget.
type memory struct{ used, most int }

func (m *memory) Reserve(n int) bool {
	if m.used+n > m.most {
		return false
	}
	m.used += n
	return true
}

func (m *memory) Release(n int) { m.used -= n }

func set(t testing.TB, before *Set, rules ...Rule) *Set {
	t.Helper()
	s, err := New(rules, before, &memory{most: 1 << 30})
	require.NoError(t, err)
	return s
}

// request is one as it comes in a frame.
func request(t testing.TB, code int32, ext map[string]string) *Request {
	t.Helper()
	c := &codec.Command{Code: code, Ext: ext}
	frame := c.Append(nil, codec.JSON)
	p, err := codec.ReadPrefix(frame, codec.Limits{MaxFrame: 1 << 20, MaxHeader: 1 << 20})
	require.NoError(t, err)
	raw := frame[codec.PrefixLen:p.BodyOff()]
	h := &codec.Header{}
	require.NoError(t, h.Scan(raw, p.Encoding))
	return &Request{Facts: route.Facts{Header: h, Raw: raw}, Kind: KindOf(code), Bytes: len(frame), Peer: netip.MustParseAddrPort("10.1.2.3:7000")}
}

func send(t testing.TB, topic string) *Request {
	return request(t, codec.ReqSendMessageV2, map[string]string{"a": "producers", "b": topic})
}

func pull(t testing.TB, topic string) *Request {
	return request(t, codec.ReqPullMessage, map[string]string{"consumerGroup": "consumers", "topic": topic})
}

// passes asks n times and counts what passes.
func passes(ls Limits, now time.Duration, r *Request, n int) (passed int) {
	for range n {
		fresh := *r
		if _, by, _ := ls.Take(int64(now), &fresh, false); by == nil {
			passed++
		}
	}
	return passed
}

func exactly(text string) *route.MatcherSpec { return &route.MatcherSpec{Exact: text} }

func TestABucketFillsWithTheRateUpToTheBurst(t *testing.T) {
	ls := set(t, nil, Rule{Name: "x", Requests: 10, Burst: 20}).Of("any")
	r := send(t, "orders")
	require.Equal(t, 20, passes(ls, 0, r, 50))
	require.Equal(t, 0, passes(ls, 99*time.Millisecond, r, 5))
	require.Equal(t, 1, passes(ls, 100*time.Millisecond, r, 5))
	require.Equal(t, 9, passes(ls, time.Second, r, 50))
	require.Equal(t, 20, passes(ls, time.Hour, r, 50))
}

func TestTheBurstIsOneSecondsWorth(t *testing.T) {
	require.Equal(t, 7, passes(set(t, nil, Rule{Name: "x", Requests: 7}).Of("any"), 0, send(t, "orders"), 50))
	r := send(t, "orders")
	require.Equal(t, 5, passes(set(t, nil, Rule{Name: "x", Bytes: 5 * float64(r.Bytes)}).Of("any"), 0, r, 50))
}

// A larger one is never refused for good: it passes when the bucket is full, and leaves a debt.
func TestARequestLargerThanTheBurstLeavesADebt(t *testing.T) {
	ls := set(t, nil, Rule{Name: "x", Bytes: 1000}).Of("any")
	r := send(t, "orders")
	large := *r
	large.Bytes = 10_000
	require.Equal(t, 1, passes(ls, 0, &large, 3))
	small := *r
	small.Bytes = 1
	require.Equal(t, 0, passes(ls, 8999*time.Millisecond, &small, 1))
	require.Equal(t, 1, passes(ls, 9001*time.Millisecond, &small, 1))
	require.Equal(t, 0, passes(ls, 9500*time.Millisecond, &large, 1), "the bucket is not full")
	require.Equal(t, 1, passes(ls, 11*time.Second, &large, 1))
}

// All that match count a request, or none.
func TestWhatOneLimitRefusesNoOtherHasCounted(t *testing.T) {
	s := set(t, nil,
		Rule{Name: "all", Requests: 10, InFlight: 100},
		Rule{Name: "orders", Topic: exactly("orders"), Requests: 1},
		Rule{Name: "elsewhere", Listener: "b", Requests: 1})
	ls := s.Of("a")
	orders, news := send(t, "orders"), send(t, "news")
	require.Equal(t, 1, passes(ls, 0, orders, 5))
	require.Equal(t, 9, passes(ls, 0, news, 20))
	_, by, _ := ls.Take(0, send(t, "orders"), false)
	require.Equal(t, "all", by.Name, "the first that refuses")
	require.Equal(t, 10, s.named("all").one.running(0))
}

func TestLimitsSelectByWhatTheySay(t *testing.T) {
	f := func(rule Rule, r *Request, counted bool) {
		t.Helper()
		rule.Name, rule.Requests = "x", 1
		want := 3
		if counted {
			want = 1
		}
		require.Equal(t, want, passes(set(t, nil, rule).Of("office"), 0, r, 3), "%+v", rule)
	}
	r := send(t, "orders")
	known := *r
	known.Client = "10.1.2.3@77"
	f(Rule{}, r, true)
	f(Rule{Listener: "office"}, r, true)
	f(Rule{Listener: "other"}, r, false)
	f(Rule{Topic: exactly("orders")}, r, true)
	f(Rule{Topic: exactly("orders")}, pull(t, "orders"), true)
	f(Rule{Topic: exactly("orders")}, request(t, codec.ReqSendMessage, map[string]string{"topic": "orders"}), true)
	f(Rule{Topic: exactly("orders")}, request(t, codec.ReqPopMessage, map[string]string{"topic": "orders"}), true)
	f(Rule{Topic: exactly("news")}, r, false)
	f(Rule{Topic: &route.MatcherSpec{Exact: "news", Invert: true}}, r, true)
	f(Rule{Group: exactly("producers")}, r, true)
	f(Rule{Group: exactly("consumers")}, pull(t, "orders"), true)
	f(Rule{Group: exactly("consumers")}, r, false)
	f(Rule{Client: &route.MatcherSpec{Prefix: "10.1."}}, &known, true)
	f(Rule{Client: &route.MatcherSpec{Prefix: "10.2."}}, &known, false)
	f(Rule{Client: &route.MatcherSpec{Prefix: "10.1."}}, r, false)
	f(Rule{Client: &route.MatcherSpec{Prefix: "10.2.", Invert: true}}, r, false) // a client's id that is not known matches nothing
	f(Rule{Addresses: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}, r, true)
	f(Rule{Addresses: []netip.Prefix{netip.MustParsePrefix("10.2.0.0/16"), netip.MustParsePrefix("::/0")}}, r, false)
}

func TestEachOfItsOwnHasABucket(t *testing.T) {
	f := func(per Per, same, other *Request) {
		t.Helper()
		ls := set(t, nil, Rule{Name: "x", Per: per, Requests: 1}).Of("any")
		require.Equal(t, 1, passes(ls, 0, same, 3), per)
		require.Equal(t, 0, passes(ls, 0, same, 3), per)
		require.Equal(t, 1, passes(ls, 0, other, 3), per)
	}
	r := send(t, "orders")
	change := func(how func(r *Request)) *Request {
		other := *r
		how(&other)
		return &other
	}
	f(PerTopic, r, send(t, "news"))
	f(PerGroup, r, request(t, codec.ReqSendMessageV2, map[string]string{"a": "others", "b": "orders"}))
	f(PerAddress, r, change(func(r *Request) { r.Peer = netip.MustParseAddrPort("10.1.2.4:7000") }))
	f(PerAddress, change(func(r *Request) { r.Peer = netip.MustParseAddrPort("[2001:db8::1]:1") }), change(func(r *Request) { r.Peer = netip.MustParseAddrPort("[2001:db8:0:1::1]:1") }))
	f(PerClient, r, change(func(r *Request) { r.Peer = netip.MustParseAddrPort("10.1.2.3:7001") }))
	f(PerClient, r, change(func(r *Request) { r.Client = "id" }))
	same := set(t, nil, Rule{Name: "x", Per: PerAddress, Requests: 1}).Of("any")
	require.Equal(t, 1, passes(same, 0, r, 1))
	for _, peer := range []string{"10.1.2.3:9", "[::ffff:10.1.2.3]:9"} {
		require.Equal(t, 0, passes(same, 0, change(func(r *Request) { r.Peer = netip.MustParseAddrPort(peer) }), 1), peer)
	}
}

func TestSendsInFlightCountUntilTheyAreAnswered(t *testing.T) {
	ls := set(t, nil, Rule{Name: "x", InFlight: 2}).Of("any")
	first, by, _ := ls.Take(0, send(t, "orders"), false)
	require.Nil(t, by)
	require.Equal(t, 1, passes(ls, 0, send(t, "orders"), 5))
	require.Equal(t, 0, passes(ls, time.Hour, send(t, "orders"), 5))
	first.End()
	first.End()
	require.Equal(t, 1, passes(ls, time.Hour, send(t, "orders"), 5))
}

// A poll that the broker has had for a while is one that it holds.
func TestHeldPollsAreNotInFlight(t *testing.T) {
	ls := set(t, nil, Rule{Name: "x", InFlight: 2}).Of("any")
	require.Equal(t, 2, passes(ls, time.Second, pull(t, "orders"), 5))
	require.Equal(t, 0, passes(ls, time.Second+100*time.Millisecond, pull(t, "orders"), 5))
	later := time.Second + 140*time.Millisecond
	pass, by, _ := ls.Take(int64(later), pull(t, "orders"), false)
	require.Nil(t, by)
	require.Equal(t, 1, passes(ls, later, pull(t, "orders"), 5))
	pass.End()
	require.Equal(t, 1, passes(ls, later, pull(t, "orders"), 5))
	require.Equal(t, 2, passes(ls, time.Hour, pull(t, "orders"), 5))
	pass.End() // long after it was forgotten
	require.Equal(t, 0, passes(ls, time.Hour, pull(t, "orders"), 5))
}

// Ten thousand polls that wait ask again one after another, in their order, and not all at once.
func TestPollsThatWaitHaveTheirTurns(t *testing.T) {
	ls := set(t, nil, Rule{Name: "x", Requests: 100, Burst: 1}).Of("any")
	require.Equal(t, 1, passes(ls, 0, pull(t, "orders"), 1))
	var last time.Duration
	places := make([]*Place, 0, 10_000)
	for range 10_000 {
		_, by, after := ls.Take(0, pull(t, "orders"), false)
		require.NotNil(t, by)
		places = append(places, by.Queue(0, pull(t, "orders")))
		require.InDelta(t, 10*time.Millisecond, after-last, float64(time.Microsecond))
		last = after
	}
	require.Zero(t, passes(ls, 10*time.Millisecond, pull(t, "orders"), 1), "a new one passes those that wait")
	for i, p := range places[:100] {
		p.Leave()
		now := time.Duration(i+1)*10*time.Millisecond + time.Microsecond
		_, by, _ := ls.Take(int64(now), pull(t, "orders"), true)
		require.Nil(t, by, i)
	}
	for _, p := range places[100:] {
		p.Leave()
		p.Leave()
	}
	require.Equal(t, 1, passes(ls, time.Hour, pull(t, "orders"), 9), "places that were left count no longer")
}

// Polls are always hungry. Once a send was refused, they leave half of the bucket.
func TestPollsDoNotStarveSends(t *testing.T) {
	ls := set(t, nil, Rule{Name: "x", Requests: 10}).Of("any")
	require.Equal(t, 10, passes(ls, 0, pull(t, "orders"), 50))
	sent := 0
	for at := 100 * time.Millisecond; at <= 10*time.Second; at += 50 * time.Millisecond {
		passes(ls, at, pull(t, "orders"), 5)
		if at%(250*time.Millisecond) == 0 {
			sent += passes(ls, at, send(t, "orders"), 1)
		}
	}
	require.GreaterOrEqual(t, sent, 30, "of 40 sends, 4 in a second")
}

func TestManyNamesShareOneBucketBeyondABound(t *testing.T) {
	budget := &memory{most: 1 << 30}
	s, err := New([]Rule{{Name: "x", Per: PerTopic, Requests: 1, InFlight: 5}}, nil, budget)
	require.NoError(t, err)
	ls := s.Of("any")
	l := s.named("x")
	for i := range most {
		require.Equal(t, 1, passes(ls, 0, send(t, "topic-"+strconv.Itoa(i)), 1))
	}
	require.Len(t, l.each, most)
	require.Equal(t, 1, passes(ls, 0, send(t, "one more"), 3))
	require.Equal(t, 0, passes(ls, 0, send(t, "and another"), 3))
	require.Equal(t, l.reserved, budget.used)
	require.Less(t, budget.used, 8<<20)
}

func TestBucketsThatAreFullAgainAreForgotten(t *testing.T) {
	budget := &memory{most: 1 << 30}
	s, err := New([]Rule{{Name: "x", Per: PerClient, Requests: 1}}, nil, budget)
	require.NoError(t, err)
	ls := s.Of("any")
	for i := range 100_000 { // a thousand a second
		r := send(t, "orders")
		r.Client = "client-" + strconv.Itoa(i)
		require.Equal(t, 1, passes(ls, time.Duration(i)*time.Millisecond, r, 1))
	}
	l := s.named("x")
	require.Less(t, len(l.each), 5000)
	require.Equal(t, l.reserved, budget.used)
	s.Succeeded(nil)
	require.Zero(t, budget.used)
	require.Equal(t, 1, passes(ls, time.Hour, send(t, "orders"), 3), "who still asks is counted")
	require.Zero(t, budget.used)
}

func TestNamesThatHaveNoMemoryShareOneBucket(t *testing.T) {
	s, err := New([]Rule{{Name: "x", Per: PerTopic, Requests: 1}}, nil, &memory{})
	require.NoError(t, err)
	require.Equal(t, 1, passes(s.Of("any"), 0, send(t, "a"), 3))
	require.Equal(t, 0, passes(s.Of("any"), 0, send(t, "b"), 3))
	long := set(t, nil, Rule{Name: "x", Per: PerTopic, Requests: 1})
	require.Equal(t, 1, passes(long.Of("any"), 0, send(t, string(make([]byte, longestName+1))), 3))
	require.Empty(t, long.named("x").each)
}

func TestAReloadKeepsTheBucketsOfWhatDidNotChange(t *testing.T) {
	same, changed := Rule{Name: "same", Topic: exactly("a"), Requests: 1}, Rule{Name: "changed", Topic: exactly("b"), Requests: 1}
	before := set(t, nil, same, changed, Rule{Name: "gone", Requests: 100})
	require.Equal(t, 1, passes(before.Of("any"), 0, send(t, "a"), 3))
	require.Equal(t, 1, passes(before.Of("any"), 0, send(t, "b"), 3))
	before.named("changed").Count.Refused.Add(7)
	same.Topic, changed.Requests = exactly("a"), 2
	next := set(t, before, changed, same)
	before.Succeeded(next)
	require.Equal(t, 0, passes(next.Of("any"), 0, send(t, "a"), 3))
	require.Equal(t, 2, passes(next.Of("any"), 0, send(t, "b"), 3))
	require.Equal(t, uint64(7), next.named("changed").Count.Refused.Load())
	none, err := New(nil, next, nil)
	require.NoError(t, err)
	require.Nil(t, none.Of("any"))
	next.Succeeded(none)
}

// What is asked by many goroutines at once passes as often as the bucket says.
func TestManyMayAskAtOnce(t *testing.T) {
	s := set(t, nil, Rule{Name: "a", Requests: 1000}, Rule{Name: "b", Per: PerTopic, Requests: 100, InFlight: 1000})
	requests := make([]*Request, 8)
	for i := range requests {
		requests[i] = send(t, fmt.Sprint("topic-", i))
	}
	var wg sync.WaitGroup
	passed := make([]int, len(requests))
	for i, r := range requests {
		wg.Go(func() { passed[i] = passes(s.Of("any"), 0, r, 500) })
	}
	wg.Wait()
	for _, n := range passed {
		require.Equal(t, 100, n)
	}
	require.InDelta(t, 200, s.named("a").one.requests.now, rounding)
}

func BenchmarkTake(b *testing.B) {
	ls := set(b, nil, Rule{Name: "x", Requests: 1e12, Bytes: 1e15}).Of("any")
	r := send(b, "orders")
	b.ReportAllocs()
	for i := range b.N {
		fresh := *r
		ls.Take(int64(i), &fresh, false)
	}
}
