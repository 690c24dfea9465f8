package stories

import (
	"bytes"
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// goSendSync sends from one byte to 3 MiB, bodies that compress and that do not, with properties.
func goSendSync(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 4)
	p := target.Producer(t)
	var bodies [][]byte
	for _, size := range []int{1, 2, 100, 4095, 4096, 4097, 70_000, 1 << 20, 3 << 20} {
		bodies = append(bodies, harness.RandomBody(uint64(size), size))
	}
	bodies = append(bodies, bytes.Repeat([]byte("the same again and again "), 40_000))
	for _, body := range bodies {
		message := primitive.NewMessage(topic, body).WithTag("a tag").WithKeys([]string{"key-" + strconv.Itoa(len(body))})
		message.WithProperty("grüße", "世界 "+strconv.Itoa(len(body)))
		result := harness.Send(t, p, message)
		require.NotEmpty(t, result.OffsetMsgID)
		require.Contains(t, target.Brokers, result.MessageQueue.BrokerName)
	}
	in := target.Consume(t, topic)
	in.AwaitExactly(t, bodies)
	for _, m := range in.All() {
		length := strconv.Itoa(len(m.Body))
		require.Equal(t, "a tag", m.GetTags())
		require.Equal(t, "key-"+length, m.GetKeys())
		require.Equal(t, "世界 "+length, m.GetProperty("grüße"))
	}
}

func goSendAsync(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 4)
	p := target.Producer(t)
	bodies := harness.RandomBodies(100)
	type outcome struct {
		result *primitive.SendResult
		err    error
	}
	outcomes := make(chan outcome, len(bodies))
	for _, body := range bodies {
		err := p.SendAsync(t.Context(), func(_ context.Context, result *primitive.SendResult, err error) {
			outcomes <- outcome{result, err}
		}, primitive.NewMessage(topic, body))
		require.NoError(t, err)
	}
	for range bodies {
		o := <-outcomes // the client calls back after its own time-out at the latest
		require.NoError(t, o.err)
		require.Equal(t, primitive.SendOK, o.result.Status)
	}
	target.Consume(t, topic).AwaitExactly(t, bodies)
}

func goSendOneway(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 4)
	p := target.Producer(t)
	bodies := harness.RandomBodies(100)
	for _, body := range bodies {
		require.NoError(t, p.SendOneWay(t.Context(), primitive.NewMessage(topic, body)))
	}
	target.Consume(t, topic).AwaitExactly(t, bodies)
}

func goSendBatch(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 4)
	p := target.Producer(t)
	bodies := harness.RandomBodies(60)
	for i := 0; i < len(bodies); i += 20 {
		var batch []*primitive.Message
		for _, body := range bodies[i : i+20] {
			batch = append(batch, primitive.NewMessage(topic, body))
		}
		result := harness.Send(t, p, batch...)
		require.Len(t, strings.Split(result.OffsetMsgID, ","), 20, "offset message ids of a batch")
	}
	target.Consume(t, topic).AwaitExactly(t, bodies)
}

// goAutoCreateTopic sends to a topic that nobody created: the name server does not know it, and the broker makes it
// on the first send, which takes its route from TBW102.
func goAutoCreateTopic(t *testing.T, target *harness.Target) {
	topic := harness.Unique(t, "topic")
	p := target.Producer(t)
	bodies := harness.RandomBodies(5)
	for _, body := range bodies {
		harness.Send(t, p, primitive.NewMessage(topic, body))
	}
	target.Consume(t, topic).AwaitExactly(t, bodies)
}

// goConsumeNewTopicAtOnce sends to topics that nobody created, and consumes each at once. Once its first send is answered
// a topic exists, so the consumer, which asks next, has to be told: that of Go does not start for a topic without a route.
func goConsumeNewTopicAtOnce(t *testing.T, target *harness.Target) {
	p := target.Producer(t)
	for _, body := range harness.RandomBodies(3) {
		topic := harness.Unique(t, "topic")
		harness.Send(t, p, primitive.NewMessage(topic, body))
		target.Consume(t, topic).AwaitExactly(t, [][]byte{body})
	}
}
