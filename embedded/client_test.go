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
	p, err := rocketmq.NewProducer(append([]producer.Option{producer.WithNsResolver(primitive.NewPassthroughResolver(cl.NameServers())),
		producer.WithInstanceName(t.Name() + "-p")}, opts...)...)
	require.NoError(t, err)
	require.NoError(t, p.Start())
	t.Cleanup(func() { p.Shutdown() })
	return p
}

// subscribe starts a stock Go push consumer and returns the bodies it gets.
func subscribe(t *testing.T, cl *embedded.Cluster, group, topic string, sel consumer.MessageSelector, opts ...consumer.Option) <-chan string {
	t.Helper()
	got := make(chan string, 1000)
	c, err := rocketmq.NewPushConsumer(append([]consumer.Option{consumer.WithNsResolver(primitive.NewPassthroughResolver(cl.NameServers())),
		consumer.WithInstance(t.Name() + "-c-" + group), consumer.WithGroupName(group),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset)}, opts...)...)
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
