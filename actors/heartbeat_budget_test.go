package actors_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Heartbeats that are kept take from the budget of all buffers, half of it at most. Whose does not fit is served, but is
// not registered again after a loss. All is given back when a heartbeat is replaced, taken back, or its client leaves.
func TestHeartbeatsCountInTheBudget(t *testing.T) {
	const budget, size = 1 << 20, 300_000 // one fits into a half, two do not
	withBudget := map[string]sockets{
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
			r := start(t, on, options{})
			held := func() int { n, _ := r.env.Transport.Buffered(); return int(n) }
			idle := func() bool { return held() < size/2 }
			one, oneBroker := r.pinned()
			two, twoBroker := r.pinned()

			beat(one, oneBroker, fullBeat)
			beat(one, oneBroker, large)
			require.GreaterOrEqual(t, held(), size)
			beat(two, twoBroker, large)
			r.until("only one is kept", func() bool { return held() >= size && held() < budget/2 })

			oneBroker.close()
			oneBroker = r.broker.accept()
			replay := oneBroker.next()
			require.Equal(t, codec.ReqHeartBeat, replay.Code)
			oneBroker.answer(replay, "")
			twoBroker.close()
			r.until("the loss is noticed", func() bool { return r.proxyMetric("upstream_losses_total", "broker", "") == 2 })
			two.request(codec.ReqPullMessage, "it goes on without")
			twoBroker = r.broker.accept()
			pull := twoBroker.next()
			require.Equal(t, codec.ReqPullMessage, pull.Code)
			twoBroker.answer(pull, "found")
			require.Equal(t, "found", string(two.next().Body))

			one.close()
			r.until("it is given back", idle)
			beat(two, twoBroker, large)
			require.GreaterOrEqual(t, held(), size)
			two.send(&codec.Command{Code: codec.ReqUnregisterClient})
			twoBroker.answer(twoBroker.next(), "")
			two.next()
			r.until("it is given back", idle)
			beat(two, twoBroker, large)
			beat(two, twoBroker, fullBeat)
			r.until("it is given back", idle)
			two.close()
			r.settle(2)
			r.gaugesAreZero()
		})
	}
}
