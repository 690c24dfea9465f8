package stories

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// goRetry refuses messages once; they come again by way of the group's retry topic, unchanged and counted. The
// first retry of a new group takes the Go client 20 to 50 s: it learns of the retry topic with its next route poll.
func goRetry(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 2)
	p := target.Producer(t)
	bodies := harness.RandomBodies(10)
	for _, body := range bodies {
		harness.Send(t, p, primitive.NewMessage(topic, body).WithTag("tag").WithKeys([]string{"key"}))
	}
	refused, accepted := new(harness.Inbox), new(harness.Inbox)
	target.Consumer(t, harness.Unique(t, "group"), topic, consumer.MessageSelector{},
		func(_ context.Context, got ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			if got[0].ReconsumeTimes == 0 {
				refused.Add(got)
				return consumer.ConsumeRetryLater, nil
			}
			accepted.Add(got)
			return consumer.ConsumeSuccess, nil
		})
	accepted.AwaitExactly(t, bodies)
	refused.AwaitExactly(t, bodies)
	for _, m := range accepted.All() {
		require.EqualValues(t, 1, m.ReconsumeTimes)
		require.Equal(t, "key", m.GetKeys())
	}
}

func goDelay(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 2)
	p := target.Producer(t)
	bodies := harness.RandomBodies(5)
	for _, body := range bodies {
		harness.Send(t, p, primitive.NewMessage(topic, body).WithDelayTimeLevel(2)) // 5 s
	}
	in := target.Consume(t, topic)
	in.AwaitExactly(t, bodies)
	for _, m := range in.All() {
		// The store time of the delivered copy against the birth of the message: both of this machine's clock.
		waited := time.Duration(m.StoreTimestamp-m.BornTimestamp) * time.Millisecond
		require.GreaterOrEqual(t, waited, 4900*time.Millisecond, "delivered too early; want after 5 s")
	}
}

// goRequestReply asks and is answered. Facts about client v2.1.2: a producer has no heartbeat before it has sent
// something, so its first answers get lost; and CreateReplyMessage takes the body for properties and leaves it out.
// The answer has to go by way of a broker that the requester is connected to, hence one broker for both.
func goRequestReply(t *testing.T, target *harness.Target) {
	topic := target.TopicOnOneBroker(t, 2)
	answering := target.Producer(t, producer.WithQueueSelector(producer.NewManualQueueSelector()))
	target.Consumer(t, harness.Unique(t, "group"), topic, consumer.MessageSelector{},
		func(_ context.Context, got ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			for _, m := range got {
				if m.GetProperty(primitive.PropertyCorrelationID) == "" {
					continue // the plain message below
				}
				reply, err := consumer.CreateReplyMessage(m, nil)
				if err != nil {
					return consumer.ConsumeSuccess, err
				}
				reply.Body = append([]byte("re: "), m.Body...)
				reply.Queue = &primitive.MessageQueue{Topic: reply.Topic, BrokerName: "broker-a", QueueId: 0}
				if _, err := answering.SendSync(context.Background(), reply); err != nil {
					return consumer.ConsumeSuccess, err
				}
			}
			return consumer.ConsumeSuccess, nil
		})
	requester := target.Producer(t)
	ask := func(question string, patience time.Duration) error {
		answer, err := requester.Request(t.Context(), patience, primitive.NewMessage(topic, []byte(question)))
		if err != nil {
			return err
		}
		if string(answer.Body) != "re: "+question {
			return fmt.Errorf("answer to %q: got %q", question, answer.Body)
		}
		return nil
	}
	harness.Send(t, requester, primitive.NewMessage(topic, []byte("hello")))
	harness.Await(t, func() error { return ask("warm-up", 5*time.Second) })
	for i := range 20 {
		require.NoError(t, ask(fmt.Sprintf("question %d", i), time.Minute))
	}
}

// goTransactions is a transaction listener whose answers come from the message.
type goTransactions struct {
	execute, check func(m *primitive.Message) primitive.LocalTransactionState
	mu             sync.Mutex
	checked        map[string]bool
}

func (l *goTransactions) ExecuteLocalTransaction(m *primitive.Message) primitive.LocalTransactionState {
	return l.execute(m)
}

func (l *goTransactions) CheckLocalTransaction(m *primitive.MessageExt) primitive.LocalTransactionState {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.checked[m.GetKeys()] = true
	return l.check(&m.Message)
}

func (l *goTransactions) checks() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.checked)
}

// byKind commits the messages that ask for it in a property and rolls back the others.
func byKind(m *primitive.Message) primitive.LocalTransactionState {
	if m.GetProperty("kind") == "commit" {
		return primitive.CommitMessageState
	}
	return primitive.RollbackMessageState
}

func undecided(*primitive.Message) primitive.LocalTransactionState { return primitive.UnknowState }

// transact sends n messages in transactions, every other one to be committed, and returns the bodies of those.
func transact(t *testing.T, target *harness.Target, topic string, l *goTransactions, n int) [][]byte {
	t.Helper()
	l.checked = make(map[string]bool)
	p, err := rocketmq.NewTransactionProducer(l, target.ProducerOptions(t)...)
	require.NoError(t, err)
	require.NoError(t, p.Start())
	t.Cleanup(func() { _ = p.Shutdown() })
	var committed [][]byte
	for i, body := range harness.RandomBodies(n) {
		m := primitive.NewMessage(topic, body).WithKeys([]string{fmt.Sprintf("tx-%d", i)})
		if i%2 == 0 {
			m.WithProperty("kind", "commit")
			committed = append(committed, body)
		}
		result, err := p.SendMessageInTransaction(t.Context(), m)
		require.NoError(t, err)
		require.Equal(t, primitive.SendOK, result.Status)
	}
	return committed
}

func goTransaction(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 2)
	l := &goTransactions{execute: byKind, check: byKind}
	committed := transact(t, target, topic, l, 20)
	target.Consume(t, topic).AwaitExactly(t, committed)
	require.Zero(t, l.checks(), "an END_TRANSACTION got lost: a transaction that was over was checked")
}

// goTransactionCheckBack leaves transactions open until the broker asks (39), which it can do once it knows the
// producer from a heartbeat: up to 30 s.
func goTransactionCheckBack(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 2)
	l := &goTransactions{execute: undecided, check: byKind}
	committed := transact(t, target, topic, l, 8)
	in := target.Consume(t, topic)
	in.AwaitExactly(t, committed)
	harness.Await(t, func() error {
		if n := l.checks(); n != 8 {
			return fmt.Errorf("%d of 8 transactions were checked", n)
		}
		return nil
	})
	in.AwaitExactly(t, committed)
}
