package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

type spec = route.MatcherSpec

func matcher(t *testing.T, s spec) *route.Matcher {
	t.Helper()
	m, err := route.NewMatcher(s)
	require.NoError(t, err)
	return m
}

func TestAMatcherMatchesWhatItSays(t *testing.T) {
	for _, c := range []struct {
		spec    spec
		yes, no []string
	}{
		{spec{Exact: "orders"}, []string{"orders"}, []string{"Orders", "orders2", ""}},
		{spec{Exact: "orders", IgnoreCase: true}, []string{"orders", "ORDERS"}, []string{"order"}},
		{spec{Exact: "orders", Invert: true}, []string{"order", ""}, []string{"orders"}},
		{spec{Prefix: "order-"}, []string{"order-", "order-1"}, []string{"order", "Order-1", "x-order-"}},
		{spec{Prefix: "Order-", IgnoreCase: true}, []string{"oRDER-1"}, []string{"order"}},
		{spec{Prefix: "straße", IgnoreCase: true}, []string{"STRAßE 1"}, []string{"STRASSE", "s"}},
		{spec{Suffix: "-eu"}, []string{"-eu", "orders-eu"}, []string{"eu", "orders-eu2"}},
		{spec{Suffix: "-EU", IgnoreCase: true}, []string{"orders-eu"}, []string{"-e"}},
		{spec{Regex: "a|bc"}, []string{"a", "bc"}, []string{"ab", "xa", "abc", ""}},
		{spec{Regex: "a|bc", IgnoreCase: true}, []string{"A", "Bc"}, []string{"ac"}},
		{spec{Regex: "a.*", Invert: true}, []string{"b"}, []string{"abc"}},
		{spec{Regex: "a$"}, []string{"a"}, []string{"a\n"}},
		{spec{Range: route.Range{Start: 317, End: 401}}, []string{"317", "400"}, []string{"316", "401", "", "x"}},
		{spec{Range: route.Range{Start: -1, End: 1}, Invert: true}, []string{"1", "x"}, []string{"-1", "0"}},
		{spec{Present: true}, []string{"", "x"}, nil},
	} {
		m := matcher(t, c.spec)
		for _, value := range c.yes {
			require.True(t, m.MatchString(value), "%+v %q", c.spec, value)
		}
		for _, value := range c.no {
			require.False(t, m.MatchString(value), "%+v %q", c.spec, value)
		}
		require.Equal(t, c.spec.Invert, m.Match(nil, false), "%+v of nothing", c.spec)
	}
	require.True(t, (*route.Matcher)(nil).Match(nil, false), "no matcher matches everything")
}

func TestAMatcherNeedsExactlyOneThing(t *testing.T) {
	for want, list := range map[error][]spec{
		route.ErrNoMatcher:    {{}, {IgnoreCase: true, Invert: true}},
		route.ErrManyMatchers: {{Exact: "a", Prefix: "a"}, {Regex: "a", Present: true}, {Suffix: "a", Range: route.Range{End: 1}}},
		route.ErrEmptyRange:   {{Range: route.Range{Start: 1, End: 1}}, {Range: route.Range{Start: 2, End: 1}}},
	} {
		for _, s := range list {
			_, err := route.NewMatcher(s)
			require.ErrorIs(t, err, want, "%+v", s)
		}
	}
	for _, text := range []string{"a(", "a)(b", `\8`} {
		_, err := route.NewMatcher(spec{Regex: text})
		require.ErrorContains(t, err, "regex", text)
	}
}

// What is said to be covered must be: each value that the later one matches, the earlier one matches too.
func TestALineCoversOnlyWhatItTakes(t *testing.T) {
	specs := []spec{
		{Exact: "a"},
		{Exact: "A"},
		{Exact: "a", IgnoreCase: true},
		{Exact: "a", Invert: true},
		{Exact: "ab"},
		{Exact: "5"},
		{Exact: "5", IgnoreCase: true},
		{Prefix: "a"},
		{Prefix: "A", IgnoreCase: true},
		{Prefix: "ab"},
		{Prefix: "ab", Invert: true},
		{Prefix: "a", Invert: true},
		{Prefix: "b", Invert: true},
		{Suffix: "b"},
		{Suffix: "ab"},
		{Suffix: "B", IgnoreCase: true},
		{Suffix: "b", Invert: true},
		{Regex: "a.*"},
		{Regex: "a.*", Invert: true},
		{Regex: ".*"},
		{Regex: "A.*", IgnoreCase: true},
		{Range: route.Range{Start: 1, End: 9}},
		{Range: route.Range{Start: 5, End: 6}},
		{Range: route.Range{Start: 5, End: 6}, Invert: true},
		{Range: route.Range{Start: 1, End: 9}, Invert: true},
		{Range: route.Range{Start: 20, End: 30}},
		{Present: true},
		{Present: true, Invert: true},
	}
	values := []string{"", "a", "A", "b", "B", "ab", "AB", "aB", "abc", "bab", "5", "6", "1", "25", "x"}
	covered := 0
	for _, early := range specs {
		for _, late := range specs {
			a, b := matcher(t, early), matcher(t, late)
			if !(&route.Line{Topic: a}).Covers(&route.Line{Topic: b}) {
				continue
			}
			covered++
			for _, value := range values {
				require.True(t, !b.MatchString(value) || a.MatchString(value), "%+v does not cover %+v: %q", early, late, value)
			}
			require.True(t, !b.Match(nil, false) || a.Match(nil, false), "%+v does not cover %+v: nothing", early, late)
		}
	}
	require.Greater(t, covered, 2*len(specs), "more than each itself")
}

func TestACoveringLineIsFound(t *testing.T) {
	line := func(topic *route.Matcher, headers ...route.HeaderMatcher) *route.Line {
		return &route.Line{Topic: topic, Headers: headers}
	}
	order, orders := matcher(t, spec{Prefix: "order"}), matcher(t, spec{Exact: "orders"})
	golang := route.HeaderMatcher{Name: "language", Matcher: matcher(t, spec{Exact: "GO"})}
	new := route.HeaderMatcher{Name: "version", Matcher: matcher(t, spec{Range: route.Range{Start: 400, End: 999}})}
	require.True(t, line(nil).Covers(line(orders, golang)))
	require.True(t, line(order).Covers(line(orders)))
	require.True(t, line(order, golang).Covers(line(orders, new, golang)))
	require.False(t, line(orders).Covers(line(order)))
	require.False(t, line(order, golang).Covers(line(orders)))
	require.False(t, line(order, golang, new).Covers(line(orders, golang)))
	require.False(t, line(orders).Covers(line(nil)))
	a, b := matcher(t, spec{Regex: "a+"}), matcher(t, spec{Regex: "aa*"})
	require.False(t, line(a).Covers(line(b)), "cannot be decided")
}

func TestAMatcherAllocatesNothing(t *testing.T) {
	list := []*route.Matcher{
		matcher(t, spec{Exact: "orders", IgnoreCase: true}), matcher(t, spec{Prefix: "order", IgnoreCase: true}), matcher(t, spec{Regex: "order.*"}),
		matcher(t, spec{Range: route.Range{Start: 1, End: 5}}), matcher(t, spec{Suffix: "rs"}),
	}
	value := []byte("orders-that-have-a-rather-long-name-which-no-small-buffer-takes")
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for _, m := range list {
			m.Match(value, true)
		}
	}))
}

func TestFactsOfARequest(t *testing.T) {
	f := func(c *codec.Command, name, want string) {
		t.Helper()
		h, raw := header(c)
		facts := &route.Facts{Header: h, Raw: raw}
		value, present := facts.Value(name)
		require.Equal(t, want, string(value), name)
		require.Equal(t, want != "", present, name)
	}
	f(&codec.Command{Code: 310, Language: codec.Go, Version: 317}, "code", "310")
	f(&codec.Command{Code: 310, Language: codec.Go, Version: 317}, "language", "GO")
	f(&codec.Command{Code: 310, Language: codec.Go, Version: 317}, "version", "317")
	f(&codec.Command{Code: 310, Ext: map[string]string{"a": "makers", "group": "x"}}, "group", "makers")
	f(&codec.Command{Code: 10, Ext: map[string]string{"producerGroup": "makers"}}, "group", "makers")
	f(&codec.Command{Code: 11, Ext: map[string]string{"consumerGroup": "readers"}}, "group", "readers")
	f(&codec.Command{Code: 38, Ext: map[string]string{"group": "readers"}}, "group", "readers")
	f(&codec.Command{Code: 105}, "group", "")
	f(&codec.Command{Code: 105, Ext: map[string]string{"zone": "eu"}}, "zone", "eu")
	f(&codec.Command{Code: 105}, "zone", "")
}
