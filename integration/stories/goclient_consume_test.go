package stories

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// queuesOf returns the queues of a topic that has that many on each broker.
func queuesOf(target *harness.Target, topic string, perBroker int) []*primitive.MessageQueue {
	var queues []*primitive.MessageQueue
	for broker := range target.TopicBrokers() {
		for id := range perBroker {
			queues = append(queues, &primitive.MessageQueue{Topic: topic, BrokerName: broker, QueueId: id})
		}
	}
	return queues
}

// goPull pulls queue by queue, with offsets committed to the broker and read back by another member.
func goPull(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 2)
	p := target.Producer(t, producer.WithQueueSelector(producer.NewManualQueueSelector()))
	queues := queuesOf(target, topic, 2)
	bodies := harness.RandomBodies(40)
	for i, body := range bodies {
		message := primitive.NewMessage(topic, body)
		message.Queue = queues[i%len(queues)]
		harness.Send(t, p, message)
	}
	perQueue := int64(len(bodies) / len(queues))
	group := harness.Unique(t, "group")
	c := pullConsumer(t, target, group, topic)
	in := new(harness.Inbox)
	for _, queue := range queues {
		for offset := int64(0); offset < perQueue; {
			result, err := c.PullFrom(t.Context(), queue, offset, 7)
			require.NoError(t, err)
			if result.Status == primitive.PullNoNewMsg {
				continue // brokers fill their queues behind the send
			}
			require.Equal(t, primitive.PullFound, result.Status)
			for _, m := range result.GetMessageExts() {
				require.Equal(t, offset, m.QueueOffset)
				offset++
			}
			require.Equal(t, offset, result.NextBeginOffset)
			in.Add(result.GetMessageExts())
		}
	}
	in.AwaitExactly(t, bodies)
	for _, queue := range queues {
		// The commit is oneway, and leaves out queues that the rebalance has not given to this member yet.
		harness.Await(t, func() error {
			require.NoError(t, c.UpdateOffset(queue, perQueue))
			require.NoError(t, c.PersistOffset(t.Context(), topic))
			a, err := harness.Call(t.Context(), target.Brokers[queue.BrokerName], 14, map[string]string{ // QUERY_CONSUMER_OFFSET
				"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(queue.QueueId)})
			if err == nil && a.ExtFields["offset"] != strconv.FormatInt(perQueue, 10) {
				err = fmt.Errorf("committed offset of %s: got %q; want %d", queue, a.ExtFields["offset"], perQueue)
			}
			return err
		})
	}
	require.NoError(t, c.Shutdown())

	second := pullConsumer(t, target, group, topic)
	for _, queue := range queues {
		offset, err := second.CurrentOffset(queue)
		require.NoError(t, err)
		require.Equal(t, perQueue, offset, "committed offset of %s, read by the next member", queue)
	}
}

func pullConsumer(t *testing.T, target *harness.Target, group, topic string) rocketmq.PullConsumer {
	t.Helper()
	c, err := rocketmq.NewPullConsumer(
		consumer.WithNsResolver(target.Resolver()),
		consumer.WithGroupName(group),
		consumer.WithInstance(harness.Unique(t, "client")),
	)
	require.NoError(t, err)
	require.NoError(t, c.Subscribe(topic, consumer.MessageSelector{}))
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Shutdown() })
	return c
}

// goOrderly sends the steps of ten orders, each order to one queue, and gets the steps of each in their order.
func goOrderly(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 4)
	queues := queuesOf(target, topic, 4)
	p := target.Producer(t, producer.WithQueueSelector(producer.NewManualQueueSelector()))
	bodies := harness.RandomBodies(120)
	for i, body := range bodies {
		message := primitive.NewMessage(topic, body)
		message.WithProperty("order", strconv.Itoa(i%10))
		message.WithProperty("step", strconv.Itoa(i/10))
		message.Queue = queues[i%10%len(queues)]
		harness.Send(t, p, message)
	}
	in := new(harness.Inbox)
	target.Consumer(t, harness.Unique(t, "group"), topic, consumer.MessageSelector{}, in.Accept, consumer.WithConsumerOrder(true))
	in.AwaitExactly(t, bodies)
	next := make(map[string]int)
	for _, m := range in.All() {
		order := m.GetProperty("order")
		require.Equal(t, strconv.Itoa(next[order]), m.GetProperty("step"), "step of order %s", order)
		next[order]++
	}
}

func goTagFilter(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 2)
	p := target.Producer(t)
	var wanted [][]byte
	for i, body := range harness.RandomBodies(40) {
		if i%4 < 2 {
			wanted = append(wanted, body)
		}
		harness.Send(t, p, primitive.NewMessage(topic, body).WithTag("tag"+strconv.Itoa(i%4)))
	}
	in := new(harness.Inbox)
	target.Consumer(t, harness.Unique(t, "group"), topic, consumer.MessageSelector{Type: consumer.TAG, Expression: "tag0 || tag1"}, in.Accept)
	in.AwaitExactly(t, wanted)
}

func goSQLFilter(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 2)
	p := target.Producer(t)
	var wanted [][]byte
	for i, body := range harness.RandomBodies(40) {
		message := primitive.NewMessage(topic, body)
		message.WithProperty("price", strconv.Itoa(i))
		message.WithProperty("place", []string{"here", "there"}[i%2])
		if i > 10 && i%2 == 0 {
			wanted = append(wanted, body)
		}
		harness.Send(t, p, message)
	}
	in := new(harness.Inbox)
	target.Consumer(t, harness.Unique(t, "group"), topic,
		consumer.MessageSelector{Type: consumer.SQL92, Expression: "price > 10 AND place = 'here'"}, in.Accept)
	in.AwaitExactly(t, wanted)
}
