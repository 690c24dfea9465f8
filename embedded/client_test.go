//go:build !race

// The stock Go client races with itself (SubscriptionData.Clone against heartbeats, among others), so what is tested
// with it is left out under the race detector; the other tests cover the same code of ours.

package embedded_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func init() { rlog.SetLogLevel("fatal") }

// newProducer starts a stock Go producer.
func newProducer(t *testing.T, cl *embedded.Cluster, opts ...producer.Option) rocketmq.Producer {
	t.Helper()
	p, err := rocketmq.NewProducer(append([]producer.Option{
		producer.WithNsResolver(primitive.NewPassthroughResolver(cl.NameServers())),
		producer.WithInstanceName(t.Name() + "-p"),
	}, opts...)...)
	require.NoError(t, err)
	require.NoError(t, p.Start())
	t.Cleanup(func() { p.Shutdown() })
	return p
}

// subscribe starts a stock Go push consumer and returns the bodies it gets.
func subscribe(t *testing.T, cl *embedded.Cluster, group, topic string, sel consumer.MessageSelector, opts ...consumer.Option) <-chan string {
	t.Helper()
	got := make(chan string, 1000)
	c, err := rocketmq.NewPushConsumer(append([]consumer.Option{
		consumer.WithNsResolver(primitive.NewPassthroughResolver(cl.NameServers())),
		consumer.WithInstance(t.Name() + "-c-" + group), consumer.WithGroupName(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	}, opts...)...)
	require.NoError(t, err)
	require.NoError(t, c.Subscribe(topic, sel, func(_ context.Context, msgs ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range msgs {
			got <- string(m.Body)
		}
		return consumer.ConsumeSuccess, nil
	}))
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Shutdown() })
	return got
}

// receive collects n bodies.
func receive(t *testing.T, got <-chan string, n int) []string {
	t.Helper()
	var all []string
	deadline := time.After(20 * time.Second)
	for len(all) < n {
		select {
		case s := <-got:
			all = append(all, s)
		case <-deadline:
			t.Fatalf("got %d of %d messages: %q", len(all), n, all)
		}
	}
	return all
}

func TestGoClientSendsAndConsumes(t *testing.T) {
	cl := start(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
	p := newProducer(t, cl)
	var want []string
	for i := range 20 {
		body := fmt.Sprint("m", i)
		want = append(want, body)
		msg := primitive.NewMessage("News", []byte(body)).WithTag([]string{"even", "odd"}[i%2])
		res, err := p.SendSync(context.Background(), msg)
		require.NoError(t, err)
		require.Equal(t, primitive.SendOK, res.Status)
	}
	all := subscribe(t, cl, "all", "News", consumer.MessageSelector{})
	even := subscribe(t, cl, "even", "News", consumer.MessageSelector{Type: consumer.TAG, Expression: "even"})
	require.ElementsMatch(t, want, receive(t, all, 20))
	require.Len(t, receive(t, even, 10), 10)
}

func TestGoClientSendsInEveryWay(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := newProducer(t, cl)
	ctx := patience(t)
	res, err := p.SendSync(ctx, primitive.NewMessage("News", []byte("b1")), primitive.NewMessage("News", []byte("b2")))
	require.NoError(t, err)
	require.Equal(t, primitive.SendOK, res.Status)
	require.NoError(t, p.SendOneWay(ctx, primitive.NewMessage("News", []byte("oneway"))))
	done := make(chan error, 1)
	require.NoError(t, p.SendAsync(ctx, func(_ context.Context, _ *primitive.SendResult, err error) { done <- err },
		primitive.NewMessage("News", []byte("async"))))
	require.NoError(t, <-done)
	delayed := primitive.NewMessage("News", []byte("delayed")).WithDelayTimeLevel(1)
	_, err = p.SendSync(ctx, delayed)
	require.NoError(t, err)
	all, err := b.WaitMessages(ctx, "News", 5)
	require.NoError(t, err)
	require.Equal(t, "delayed", string(all[4].Body))
	require.Equal(t, 1, b.Requests(320))
}

func TestGoClientTriesAgain(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	p := newProducer(t, cl, producer.WithRetry(2))
	refused := b.Fault(embedded.AnyCode, embedded.Answer(14, "service not available now").Times(2))
	_, err := p.SendSync(patience(t), primitive.NewMessage("News", []byte("x")))
	require.NoError(t, err)
	require.Equal(t, 2, refused.Hits())
	require.Len(t, b.Messages("News"), 1)
}

func TestGoClientConsumesInOrder(t *testing.T) {
	cl := start(t, embedded.Options{})
	require.NoError(t, cl.CreateTopic("Orders", 2))
	p := newProducer(t, cl, producer.WithQueueSelector(producer.NewManualQueueSelector()))
	var want []string
	for i := range 10 {
		m := primitive.NewMessage("Orders", []byte(fmt.Sprint(i)))
		m.Queue = &primitive.MessageQueue{Topic: "Orders", BrokerName: "broker-a", QueueId: 1}
		_, err := p.SendSync(patience(t), m)
		require.NoError(t, err)
		want = append(want, fmt.Sprint(i))
	}
	got := subscribe(t, cl, "orderly", "Orders", consumer.MessageSelector{}, consumer.WithConsumerOrder(true))
	require.Equal(t, want, receive(t, got, 10))
	require.Positive(t, cl.Broker("broker-a").Requests(41))
}

func TestGoClientShiftsQueuesWhenAMemberLeaves(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	require.NoError(t, cl.CreateTopic("News", 4))
	first := subscribe(t, cl, "g", "News", consumer.MessageSelector{}, consumer.WithInstance("one"))
	c, err := rocketmq.NewPushConsumer(consumer.WithNsResolver(primitive.NewPassthroughResolver(cl.NameServers())),
		consumer.WithInstance("two"), consumer.WithGroupName("g"))
	require.NoError(t, err)
	require.NoError(t, c.Subscribe("News", consumer.MessageSelector{}, func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		return consumer.ConsumeSuccess, nil
	}))
	require.NoError(t, c.Start())
	_, err = b.WaitMembers(patience(t), "g", 2)
	require.NoError(t, err)
	require.NoError(t, c.Shutdown())
	_, err = b.WaitMembers(patience(t), "g", 1)
	require.NoError(t, err)
	p := newProducer(t, cl)
	for range 8 {
		_, err := p.SendSync(patience(t), primitive.NewMessage("News", []byte("x")))
		require.NoError(t, err)
	}
	receive(t, first, 8)
}

func TestGoClientGetsARetry(t *testing.T) {
	cl := start(t, embedded.Options{})
	// A new group's retry topic exists from its first heartbeat on, and the client looks for it each 30 s only.
	require.NoError(t, cl.CreateTopic("%RETRY%g", 1))
	p := newProducer(t, cl)
	_, err := p.SendSync(patience(t), primitive.NewMessage("News", []byte("x")))
	require.NoError(t, err)
	tries := make(chan int32, 10)
	c, err := rocketmq.NewPushConsumer(consumer.WithNsResolver(primitive.NewPassthroughResolver(cl.NameServers())),
		consumer.WithInstance(t.Name()), consumer.WithGroupName("g"), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
	require.NoError(t, err)
	require.NoError(t, c.Subscribe("News", consumer.MessageSelector{}, func(ctx context.Context, msgs ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		tries <- msgs[0].ReconsumeTimes
		cc, _ := primitive.GetConcurrentlyCtx(ctx)
		cc.DelayLevelWhenNextConsume = 1
		if msgs[0].ReconsumeTimes == 0 {
			return consumer.ConsumeRetryLater, nil
		}
		return consumer.ConsumeSuccess, nil
	}))
	require.NoError(t, c.Start())
	t.Cleanup(func() { c.Shutdown() })
	require.Equal(t, int32(0), <-tries)
	select {
	case n := <-tries:
		require.Equal(t, int32(1), n)
	case <-patience(t).Done():
		t.Fatal("no retry came")
	}
}

// deals is a transaction listener that leaves everything to the check.
type deals struct{ checked chan string }

func (d deals) ExecuteLocalTransaction(m *primitive.Message) primitive.LocalTransactionState {
	switch string(m.Body) {
	case "commit":
		return primitive.CommitMessageState
	case "rollback":
		return primitive.RollbackMessageState
	}
	return primitive.UnknowState
}

func (d deals) CheckLocalTransaction(m *primitive.MessageExt) primitive.LocalTransactionState {
	d.checked <- string(m.Body)
	return primitive.CommitMessageState
}

func TestGoClientEndsTransactions(t *testing.T) {
	cl := start(t, embedded.Options{TransactionTimeout: 100 * time.Millisecond, TransactionCheckInterval: 200 * time.Millisecond})
	b := cl.Broker("broker-a")
	require.NoError(t, cl.CreateTopic("Orders", 1))
	listener := deals{make(chan string, 10)}
	p, err := rocketmq.NewTransactionProducer(listener, producer.WithNsResolver(primitive.NewPassthroughResolver(cl.NameServers())),
		producer.WithInstanceName(t.Name()), producer.WithGroupName("deals"))
	require.NoError(t, err)
	require.NoError(t, p.Start())
	t.Cleanup(func() { p.Shutdown() })
	for _, body := range []string{"commit", "rollback", "unknown"} {
		_, err := p.SendMessageInTransaction(patience(t), primitive.NewMessage("Orders", []byte(body)))
		require.NoError(t, err)
	}
	select {
	case body := <-listener.checked:
		require.Equal(t, "unknown", body)
	case <-patience(t).Done():
		t.Fatal("nobody asked about the transaction")
	}
	all, err := b.WaitMessages(patience(t), "Orders", 2)
	require.NoError(t, err)
	require.Equal(t, "commit", string(all[0].Body))
	require.Equal(t, "unknown", string(all[1].Body))
}
