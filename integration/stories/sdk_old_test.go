package stories

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestSDKsWithBrokersBefore5 has SDKs produce to a broker that has no POP. What they cannot do there is refused with a reason.
func TestSDKsWithBrokersBefore5(t *testing.T) {
	t.Parallel()
	harness.EachTargetOf(t, []string{"4.9.7"}, func(t *testing.T, target *harness.Target) {
		for name, start := range map[string]func(*testing.T, bool) *harness.SDK{"go": harness.StartGoSDK, "java": harness.StartJavaSDK} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				f := &sdkFixture{target, start(t, false)}
				t.Run("Send", func(t *testing.T) { oldBrokerSend(t, f) })
				t.Run("Transaction", func(t *testing.T) { oldBrokerTransaction(t, f) })
				t.Run("Refused", func(t *testing.T) { oldBrokerRefuses(t, f) })
			})
		}
	})
}

func oldBrokerSend(t *testing.T, f *sdkFixture) {
	topic := f.Topic(t, 4)
	p := f.producer(t, topic)
	bodies := harness.RandomBodies(50)
	for i, body := range bodies {
		order := []string{"", "order-1"}[i%2]
		f.do(t, harness.SDKCommand{Do: "send", Client: p, Topic: topic, Body: body, Order: order, Tag: "a-tag", Keys: []string{"key"}})
	}
	in := f.Consume(t, topic) // a remoting client
	in.AwaitExactly(t, bodies)
	for _, m := range in.All() {
		require.Equal(t, "a-tag", m.GetTags())
		require.Equal(t, "key", m.GetKeys())
	}
}

func oldBrokerTransaction(t *testing.T, f *sdkFixture) {
	topic := f.Topic(t, 2)
	p := f.producer(t, topic)
	var committed [][]byte
	for i, body := range harness.RandomBodies(12) {
		kind := []string{"commit", "rollback"}[i%2]
		outcome := kind
		if i >= 8 { // the checker decides
			outcome = "leave"
		}
		if kind == "commit" {
			committed = append(committed, body)
		}
		f.do(t, harness.SDKCommand{Do: "send", Client: p, Topic: topic, Body: body, Outcome: outcome, Properties: map[string]string{"kind": kind}})
	}
	f.Consume(t, topic).AwaitExactly(t, committed)
}

func oldBrokerRefuses(t *testing.T, f *sdkFixture) {
	topic := f.Topic(t, 1)
	p := f.producer(t, topic)
	_, err := f.sdk.Do(harness.SDKCommand{Do: "send", Client: p, Topic: topic, Body: []byte("later"), DeliverAt: time.Now().Add(time.Hour).UnixMilli()})
	require.ErrorContains(t, err, "delay_levels")
	c := f.simple(t, topic, harness.Unique(t, "group"))
	_, err = f.sdk.Do(harness.SDKCommand{Do: "receive", Client: c, Max: 1, Millis: 10_000})
	require.ErrorContains(t, err, "older than 5.0")
}
