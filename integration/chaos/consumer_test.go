package chaos

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// Request and response codes of a bare consumer (RequestCode.java, ResponseCode.java).
const (
	pullMessage          = 11
	queryConsumerOffset  = 14
	updateConsumerOffset = 15

	pullNotFound         = 19
	pullRetryImmediately = 20
	queryNotFound        = 22
)

// suspend is how long a broker keeps a pull that finds nothing.
const suspend = time.Second

// consume takes some queues for a group, each in order, until ctx ends. What it has seen it commits; when it is killed it
// goes on from there.
func (c *bareClient) consume(ctx context.Context, group string, share []queueOf, order *sequence) {
	life, offsets := -1, make([]int64, len(share))
	for ctx.Err() == nil {
		w, err := c.connect(ctx, share[0].broker)
		if err != nil {
			return
		}
		if now := c.life(); now != life {
			for i, q := range share {
				if err == nil {
					offsets[i], err = c.env.committed(w, group, q)
				}
			}
			if err == nil {
				life = now
			}
		}
		if err == nil {
			c.consumeBy(ctx, w, group, share, offsets, order)
		}
		w.nc.Close()
		c.env.pauseAfter(err)
	}
}

// consumeBy takes the queues over one connection, from offsets on, until that ends or the client is killed. A broker that
// answers with an error is asked again over the same connection.
func (c *bareClient) consumeBy(ctx context.Context, w *wire, group string, share []queueOf, offsets []int64, order *sequence) {
	life := c.life()
	var pulls sync.WaitGroup
	for i, q := range share {
		pulls.Go(func() {
			for ctx.Err() == nil && life == c.life() && !w.over() {
				var err error
				offsets[i], err = c.env.pull(w, group, q, offsets[i], func(m *primitive.MessageExt) {
					id := c.env.ledger.receive(group, m.Body)
					if err := order.see(place{q.broker, q.queue, m.QueueOffset}, id); err != nil {
						c.env.ledger.violate("%s: %v", c.name, err)
					}
				})
				c.env.pauseAfter(err)
			}
		})
	}
	pulls.Wait()
}

// pauseAfter keeps clients from trying again and again at full speed.
func (*environment) pauseAfter(err error) {
	if err != nil {
		time.Sleep(50 * time.Millisecond)
	}
}

func (e *environment) committed(w *wire, group string, q queueOf) (int64, error) {
	got, err := w.call(queryConsumerOffset, e.name(map[string]string{
		"consumerGroup": group, "topic": e.topicOf(q.broker), "queueId": strconv.Itoa(q.queue),
	}, brokerName, q.broker), nil)
	switch {
	case err != nil:
		return 0, err
	case got.Code == queryNotFound:
		return 0, nil
	case got.Code != 0:
		return 0, fmt.Errorf("code %d: %s", got.Code, got.Remark)
	}
	return strconv.ParseInt(got.ExtFields["offset"], 10, 64)
}

// pull asks for messages from an offset on, gives them to take, and commits the offset behind them, which it returns.
func (e *environment) pull(w *wire, group string, q queueOf, offset int64, take func(*primitive.MessageExt)) (int64, error) {
	topic := e.topicOf(q.broker)
	fields := e.name(map[string]string{
		"consumerGroup": group, "topic": topic, "queueId": strconv.Itoa(q.queue),
		"queueOffset": strconv.FormatInt(offset, 10), "maxMsgNums": "32", "sysFlag": "6", // suspend, and with a subscription
		"commitOffset": "0", "suspendTimeoutMillis": strconv.FormatInt(suspend.Milliseconds(), 10),
		"subscription": "*", "subVersion": "1", "expressionType": "TAG",
	}, brokerName, q.broker)
	waits, err := w.ask(pullMessage, fields, nil)
	if err != nil {
		return offset, err
	}
	got, err := w.await(waits, suspend+answerPatience)
	if err != nil {
		return offset, err
	}
	switch got.Code {
	case 0:
	case pullNotFound, pullRetryImmediately:
		return offset, nil
	default:
		return offset, fmt.Errorf("code %d: %s", got.Code, got.Remark)
	}
	for _, m := range primitive.DecodeMessage(got.Body) {
		if m.Topic != topic || m.Queue.QueueId != q.queue || m.QueueOffset != offset {
			e.ledger.violate("a pull of %s/%d from %d got offset %d of queue %d of %s", q.broker, q.queue, offset, m.QueueOffset, m.Queue.QueueId, m.Topic)
		}
		take(m)
		offset = m.QueueOffset + 1
	}
	_, err = w.call(updateConsumerOffset, e.name(map[string]string{
		"consumerGroup": group, "topic": topic,
		"queueId": strconv.Itoa(q.queue), "commitOffset": strconv.FormatInt(offset, 10),
	}, brokerName, q.broker), nil)
	return offset, err
}
