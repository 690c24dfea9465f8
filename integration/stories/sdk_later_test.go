package stories

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

func atLeast(all []harness.SDKMessage, n int) error {
	if len(all) < n {
		return fmt.Errorf("%d of %d messages have come", len(all), n)
	}
	return nil
}

// sdkDelay has a message come when it is due, and one that is recalled not at all.
func sdkDelay(t *testing.T, f *sdkFixture) {
	topic := f.TypedTopic(t, "DELAY", 2)
	p := f.producer(t, topic)
	c := f.simple(t, topic, harness.Unique(t, "group"))
	due := time.Now().Add(4 * time.Second)
	delayed := harness.SDKCommand{Do: "send", Client: p, Topic: topic, Body: []byte("recalled"), DeliverAt: due.UnixMilli()}
	r := f.do(t, delayed)
	require.NotEmpty(t, r.RecallHandle)
	f.do(t, harness.SDKCommand{Do: "recall", Client: p, Topic: topic, Handle: r.RecallHandle})
	delayed.Body, delayed.DeliverAt = []byte("kept"), due.Add(time.Second).UnixMilli()
	f.do(t, delayed)
	all := f.receive(t, c, 1, time.Minute)
	require.Len(t, all, 1)
	require.Equal(t, "kept", string(all[0].Body))
	require.False(t, time.Now().Before(due), "it came too early")
	f.ack(t, c, all...)
}

// sdkTransaction has committed messages come, and has the producer asked about those that it has left open.
func sdkTransaction(t *testing.T, f *sdkFixture) {
	topic := f.TypedTopic(t, "TRANSACTION", 2)
	p := f.producer(t, topic)
	c := f.push(t, topic, harness.Unique(t, "group"))
	var committed [][]byte
	for i, body := range harness.RandomBodies(24) {
		kind := []string{"commit", "rollback"}[i%2]
		outcome := kind
		if i >= 16 { // the checker decides
			outcome = "leave"
		}
		if kind == "commit" {
			committed = append(committed, body)
		}
		f.do(t, harness.SDKCommand{Do: "send", Client: p, Topic: topic, Body: body, Outcome: outcome, Properties: map[string]string{"kind": kind}})
	}
	f.awaitExactly(t, committed, c)
}
