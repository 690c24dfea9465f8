package chaos

import (
	"context"
	"fmt"
	"strconv"
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

// consume takes one queue for a group, in order, until ctx ends. What it has seen it commits; when it is killed it goes
// on from there.
func (c *bareClient) consume(ctx context.Context, group string, q queueOf, order *sequence) {
	life, offset := -1, int64(0)
	for ctx.Err() == nil {
		w, err := c.connect(ctx, q.broker)
		if err != nil {
			return
		}
		if now := c.life(); now != life {
			if offset, err = c.env.committed(w, group, q.queue); err != nil {
				w.nc.Close()
				continue
			}
			life = now
		}
		for err == nil && ctx.Err() == nil && life == c.life() {
			offset, err = c.env.pull(w, group, q, offset, func(m *primitive.MessageExt) {
				id := c.env.ledger.receive(group, m.Body)
				if err := order.see(place{q.broker, q.queue, m.QueueOffset}, id); err != nil {
					c.env.ledger.violate("%s: %v", c.name, err)
				}
			})
		}
		w.nc.Close()
		c.env.pauseAfter(err)
	}
}

// pauseAfter keeps clients from trying again and again at full speed.
func (*environment) pauseAfter(err error) {
	if err != nil {
		time.Sleep(50 * time.Millisecond)
	}
}

func (e *environment) committed(w *wire, group string, queue int) (int64, error) {
	got, err := w.call(queryConsumerOffset, map[string]string{
		"consumerGroup": group, "topic": e.topic, "queueId": strconv.Itoa(queue),
	}, nil)
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
	fields := map[string]string{
		"consumerGroup": group, "topic": e.topic, "queueId": strconv.Itoa(q.queue),
		"queueOffset": strconv.FormatInt(offset, 10), "maxMsgNums": "32", "sysFlag": "6", // suspend, and with a subscription
		"commitOffset": "0", "suspendTimeoutMillis": strconv.FormatInt(suspend.Milliseconds(), 10),
		"subscription": "*", "subVersion": "1", "expressionType": "TAG",
	}
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
		if m.Topic != e.topic || m.Queue.QueueId != q.queue || m.QueueOffset != offset {
			e.ledger.violate("a pull of %s/%d from %d got offset %d of queue %d of %s", q.broker, q.queue, offset, m.QueueOffset, m.Queue.QueueId, m.Topic)
		}
		take(m)
		offset = m.QueueOffset + 1
	}
	_, err = w.call(updateConsumerOffset, map[string]string{
		"consumerGroup": group, "topic": e.topic,
		"queueId": strconv.Itoa(q.queue), "commitOffset": strconv.FormatInt(offset, 10),
	}, nil)
	return offset, err
}
