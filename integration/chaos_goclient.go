package integration

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// goClients are producers and two groups of rocketmq-client-go: one that consumes in order, one of three members that
// does not. The third and a producer are a process of their own. They come back by timers of 20 and 30 seconds, and so
// take part in long rounds only.
func goClients(ctx context.Context, t *testing.T, a *arena, c *crowd) {
	for i, f := range a.fronts {
		target := &Target{Name: t.Name(), NameServer: f.nameServer()}
		name := fmt.Sprintf("go-%d", i)
		p := target.Producer(t, producer.WithSendMsgTimeout(stepPatience))
		c.producers.Go(func() { a.goSend(ctx, p, name) })
	}
	order := newSequence()
	concurrent, orderly := unique(t, "concurrent"), unique(t, "orderly")
	c.groups = append(c.groups, concurrent, orderly)
	outside := newGoProcess(t, a, "go-process", concurrent)
	c.processes = append(c.processes, outside)
	c.stop = append(c.stop, func() {
		if err := outside.leave(); err != nil {
			t.Error(err)
		}
	})
	for i := range 3 {
		target := &Target{Name: t.Name(), NameServer: a.fronts[i%len(a.fronts)].nameServer()}
		group, ordered := concurrent, i == 2
		if ordered {
			group = orderly
		}
		member := target.Consumer(t, group, a.topic, consumer.MessageSelector{}, func(_ context.Context, got ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
			for _, m := range got {
				id := a.ledger.receive(group, m.Body)
				if ordered {
					if err := order.see(place{m.Queue.BrokerName, m.Queue.QueueId, m.QueueOffset}, id); err != nil {
						a.ledger.violate("%s: %v", group, err)
					}
				}
			}
			return consumer.ConsumeSuccess, nil
		}, consumer.WithConsumerOrder(ordered))
		c.stop = append(c.stop, func() { _ = member.Shutdown() })
	}
}

// goSend sends numbered messages, each once, until ctx ends.
func (a *arena) goSend(ctx context.Context, p rocketmq.Producer, name string) {
	for number := 1; ctx.Err() == nil; number++ {
		id := messageID(name, number)
		// The client must not be cut short by the end of the script: what it sent would be in doubt.
		result, err := p.SendSync(context.WithoutCancel(ctx), primitive.NewMessage(a.topic, numberedBody(id)))
		if err != nil || result.Status != primitive.SendOK {
			a.ledger.doubt()
		} else {
			a.ledger.accept(id, place{result.MessageQueue.BrokerName, result.MessageQueue.QueueId, result.QueueOffset})
		}
		time.Sleep(betweenSends)
	}
	_ = p.Shutdown()
}
