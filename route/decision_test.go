package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestOnNameServerPort(t *testing.T) {
	f := func(want route.Action, codes ...int32) {
		t.Helper()
		for _, code := range codes {
			require.Equal(t, want, route.OnNameServerPort(code), "code %d", code)
			if want == route.RefuseRegistration {
				require.Contains(t, route.RefusalRemark(code), "is refused on a port for clients")
			} else {
				require.Empty(t, route.RefusalRemark(code))
			}
		}
	}
	f(route.AnswerTopicRoute, 105)
	f(route.AnswerClusterInfo, 106)
	f(route.RefuseRegistration, 103, 104, 322, 901, 904)
	f(route.Relay, 0, 10, 34, 100, 101, 102, 107, 205, 206, 216, 217, 219, 224, 304, 318, 319, 327, 902, 903, 1005, 77777, -1)
}

func TestOnBrokerPort(t *testing.T) {
	for _, code := range []int32{10, 11, 34, 103, 105, 106, 310, 904, 200050, -5} {
		require.Equal(t, route.Relay, route.OnBrokerPort(code))
	}
}

func TestRefusalRemark(t *testing.T) {
	require.Equal(t, "REGISTER_BROKER (103) is refused on a port for clients: it would announce a broker to all clients. "+
		"Point the broker's namesrvAddr at a name server, not at the proxy", route.RefusalRemark(103))
}

func TestActionString(t *testing.T) {
	for action, want := range []string{"relay", "answer topic route", "answer cluster info", "refuse registration"} {
		require.Equal(t, want, route.Action(action).String())
	}
}

func TestOrdinary(t *testing.T) {
	f := func(request int32, responses ...int32) {
		t.Helper()
		ordinary := map[int32]bool{0: true}
		for _, r := range responses {
			ordinary[r] = true
		}
		for response := int32(-10); response < 3100; response++ {
			require.Equal(t, ordinary[response], route.Ordinary(request, response), "answer %d to %d", response, request)
		}
	}
	for _, send := range []int32{10, 310, 320, 324, 325} {
		f(send, 10, 11, 12)
	}
	f(11, 19, 20, 21)
	f(361, 19, 20, 21)
	for _, pop := range []int32{200050, 50, 200052, 200054} {
		f(pop, 19, 209, 210)
	}
	f(12, 22)
	f(14, 22)
	for _, other := range []int32{0, 13, 15, 33, 34, 35, 36, 37, 38, 51, 105, 106, 200051, 200053, 99999} {
		f(other)
	}
}
