package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func answer(name string, code, version int32, ext ...string) route.Answer {
	a := route.Answer{Broker: route.BrokerID{Name: name}, Code: code, Version: version, Body: []byte("body of " + name), Ext: map[string]string{}}
	for _, key := range ext {
		a.Ext[key] = "true"
	}
	return a
}

func silent(name string) route.Answer { return route.Unanswered(route.BrokerID{Name: name}) }

func TestWhatAnswersAreJoinedInto(t *testing.T) {
	f := func(j route.Join, code int32, broker string, answers ...route.Answer) route.Answer {
		t.Helper()
		a := j.Answers(answers, 479)
		require.Equal(t, code, a.Code)
		require.Equal(t, broker, a.Broker.Name)
		return a
	}
	for _, j := range []route.Join{route.FirstSuccess, route.ErrorWins, route.OneHit, route.OfHeartbeats} {
		require.Equal(t, route.Answer{Version: 479}, f(j, 0, ""))
		require.Equal(t, "body of a1", string(f(j, 0, "a1", answer("a1", 0, 5)).Body))
		require.Equal(t, `rocketmq-proxy: broker "a1" does not answer`, f(j, 14, "a1", silent("a1")).Remark)
		f(j, 1, "a1", answer("a1", 1, 5))
	}
	f(route.FirstSuccess, 0, "a2", answer("a3", 0, 5), answer("a1", 1, 5), answer("a2", 0, 5))
	f(route.FirstSuccess, 1, "a1", answer("a2", 2, 5), answer("a1", 1, 5))
	f(route.FirstSuccess, 2, "a2", silent("a1"), answer("a2", 2, 5))

	f(route.ErrorWins, 0, "a1", answer("a2", 0, 5), answer("a1", 0, 5))
	f(route.ErrorWins, 17, "a2", answer("a3", 18, 5), answer("a2", 17, 5), answer("a1", 0, 5))
	f(route.ErrorWins, 14, "a2", silent("a2"), answer("a1", 0, 5))

	f(route.OneHit, 0, "a2", answer("a1", 1, 5), answer("a2", 0, 5), silent("a3"))
	f(route.OneHit, 1, "a1", answer("a2", 2, 5), answer("a1", 1, 5))
	f(route.OneHit, 2, "a2", silent("a1"), answer("a2", 2, 5))
	a := f(route.OneHit, 15, "", answer("a1", 0, 5), answer("a2", 0, 5), answer("a3", 1, 5))
	require.Contains(t, a.Remark, "(a1, a2)")
	require.Empty(t, a.Body)
}

func TestWhatTheAnswersToHeartbeatsAreJoinedInto(t *testing.T) {
	const v2, change = "IS_SUPPORT_HEART_BEAT_V2", "IS_SUB_CHANGE"
	f := func(version int32, ext []string, answers ...route.Answer) {
		t.Helper()
		a := route.OfHeartbeats.Answers(answers, 0)
		require.Zero(t, a.Code)
		require.Equal(t, version, a.Version)
		want := map[string]string{}
		for _, key := range ext {
			want[key] = "true"
		}
		require.Equal(t, want, a.Ext)
	}
	f(5, []string{v2}, answer("a1", 0, 5, v2), answer("a2", 0, 7, v2))
	f(5, nil, answer("a1", 0, 7, v2), answer("a2", 0, 5))
	f(5, []string{v2, change}, answer("a1", 0, 7, v2), answer("a2", 0, 5, v2, change))
	f(5, []string{change, "other"}, answer("a1", 0, 7, v2, change, "other"), answer("a2", 1, 5))
	f(7, nil, answer("a1", 0, 7, v2), silent("a2"))
}

func TestWhenMoreAnswersWouldNotChangeTheJoinedOne(t *testing.T) {
	ok, failed := answer("a1", 0, 5), answer("a2", 1, 5)
	f := func(j route.Join, want bool, targets int, answers ...route.Answer) {
		t.Helper()
		require.Equal(t, want, j.Decided(answers, targets))
	}
	for _, j := range []route.Join{route.FirstSuccess, route.ErrorWins, route.OneHit, route.OfHeartbeats} {
		f(j, true, 0)
		f(j, false, 2)
		f(j, false, 2, ok)
		f(j, j == route.ErrorWins, 2, failed)
		f(j, true, 2, ok, failed)
	}
}
