package connection_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Heartbeats that are kept take from the budget of all buffers, half of it at most. Whose does not fit is served, but is
// not registered again after a loss. All is given back when a heartbeat is replaced, taken back, or its client leaves.
func TestHeartbeatsCountInTheBudget(t *testing.T) {
	const budget, size = 1 << 20, 300_000 // one fits into a half, two do not
	withBudget := map[string]proxytest.Sockets{
		"best": func(t testing.TB, limits codec.Limits, window int) transport.Transport {
			tr, stop, err := transport.New(limits, window, budget, 0)
			require.NoError(t, err)
			t.Cleanup(stop)
			return tr
		},
		"goroutines": func(_ testing.TB, limits codec.Limits, window int) transport.Transport {
			return &transport.Net{Limits: limits, Window: window, Budget: budget}
		},
	}
	large := `{"clientID":"10.0.0.1@app","consumerDataSet":[{"groupName":"g"}],"filler":"` + strings.Repeat("f", size) + `"}`
	for name, on := range withBudget {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := proxytest.Start(t, on, proxytest.Options{})
			held := func() int { n, _ := r.Env.Transport.Buffered(); return int(n) }
			idle := func() bool { return held() < size/2 }
			one, oneBroker := r.Pinned()
			two, twoBroker := r.Pinned()

			one.Heartbeat(oneBroker, proxytest.FullHeartbeat)
			one.Heartbeat(oneBroker, large)
			require.GreaterOrEqual(t, held(), size)
			two.Heartbeat(twoBroker, large)
			r.Until("only one is kept", func() bool { return held() >= size && held() < budget/2 })

			oneBroker.Close()
			oneBroker = r.Broker.Accept()
			replay := oneBroker.Next()
			require.Equal(t, codec.ReqHeartBeat, replay.Code)
			oneBroker.Answer(replay, "")
			twoBroker.Close()
			r.Until("the loss is noticed", func() bool { return r.BrokerMetric("upstream_losses_total", "broker", "") == 2 })
			two.Request(codec.ReqPullMessage, "it goes on without")
			twoBroker = r.Broker.Accept()
			pull := twoBroker.Next()
			require.Equal(t, codec.ReqPullMessage, pull.Code)
			twoBroker.Answer(pull, "found")
			require.Equal(t, "found", string(two.Next().Body))

			one.Close()
			r.Until("it is given back", idle)
			two.Heartbeat(twoBroker, large)
			require.GreaterOrEqual(t, held(), size)
			two.Send(&codec.Command{Code: codec.ReqUnregisterClient})
			twoBroker.Answer(twoBroker.Next(), "")
			two.Next()
			r.Until("it is given back", idle)
			two.Heartbeat(twoBroker, large)
			two.Heartbeat(twoBroker, proxytest.FullHeartbeat)
			r.Until("it is given back", idle)
			two.Close()
			r.Settle(2)
			r.GaugesAreZero()
		})
	}
}
