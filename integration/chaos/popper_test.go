package chaos

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// Request and response codes of a consumer that pops (RequestCode.java, ResponseCode.java).
const (
	popMessage             = 200050
	ackMessage             = 200051
	changeInvisibleMessage = 200053

	pollingTimeout = 210
)

const popGroup = "bare-poppers"

// invisible is how long a popped message is its popper's. A popper that cannot ack in time gets it once more.
const invisible = 2 * time.Second

// poppedMessage is a message that is invisible to others until its time is over.
type poppedMessage struct {
	id     string
	topic  string // where it is stored: the one asked for, or the group's retry topic
	queue  string
	offset string
	handle string // broker's word for it: start, time of the pop, invisible time, revive queue, ... (PROTOCOL.md)
	ends   int64  // in milliseconds since 1970
}

// pop takes messages of a broker for a group, whatever queue they are in, until ctx ends. Most of them it acks; some it
// asks to keep for longer, or forgets, and those have to come again.
func (c *bareClient) pop(ctx context.Context, broker string) {
	for ctx.Err() == nil {
		w, err := c.connect(ctx, broker)
		if err != nil {
			return
		}
		for life := c.life(); err == nil && ctx.Err() == nil && life == c.life(); {
			var popped []poppedMessage
			at := c.env.another(broker)
			if popped, err = c.env.popOnce(w, at); err == nil {
				err = c.env.settle(w, at, popped)
			}
		}
		w.nc.Close()
		c.env.pauseAfter(err)
	}
}

// popOnce pops some messages, or none.
func (e *environment) popOnce(w *wire, broker string) ([]poppedMessage, error) {
	waits, err := w.ask(popMessage, e.name(map[string]string{
		"consumerGroup": popGroup, "topic": e.topicOf(broker), "queueId": "-1", "maxMsgNums": "16",
		"invisibleTime": strconv.FormatInt(invisible.Milliseconds(), 10), "pollTime": strconv.FormatInt(suspend.Milliseconds(), 10),
		"bornTime": strconv.FormatInt(time.Now().UnixMilli(), 10), "initMode": "0", "exp": "*", "expType": "TAG", "order": "false",
	}, brokerName, broker), nil)
	if err != nil {
		return nil, err
	}
	got, err := w.await(waits, suspend+answerPatience)
	switch {
	case err != nil:
		return nil, err
	case got.Code == pollingTimeout || got.Code == pullNotFound:
		return nil, nil
	case got.Code != 0:
		return nil, got.Err()
	}
	popTime, _ := strconv.ParseInt(got.ExtFields["popTime"], 10, 64)
	var popped []poppedMessage
	for _, m := range primitive.DecodeMessage(got.Body) {
		id := e.ledger.identify(popGroup, m.Body)
		e.ledger.popped(id, popTime)
		l, ok := e.poppedMessageOf(got, broker, m)
		if !ok {
			e.ledger.violate("a pop from %s brought %s of queue %d, and no handle for it: %v", broker, id, m.Queue.QueueId, got.ExtFields)
			continue
		}
		l.id, l.ends = id, popTime+invisible.Milliseconds()
		popped = append(popped, l)
	}
	return popped, nil
}

// poppedMessageOf finds a message's handle: that of one from the retry topic comes with it, others are made from what the answer
// says of their queue (MQClientAPIImpl.java#processPopResponse).
func (e *environment) poppedMessageOf(got *harness.Answer, broker string, m *primitive.MessageExt) (poppedMessage, bool) {
	if handle := m.GetProperty("POP_CK"); handle != "" {
		f := strings.Fields(handle)
		if len(f) != 8 {
			return poppedMessage{}, false
		}
		return poppedMessage{topic: "%RETRY%" + popGroup + "_" + e.topicOf(broker), queue: f[6], offset: f[7], handle: handle}, true
	}
	queue, offset := strconv.Itoa(m.Queue.QueueId), strconv.FormatInt(m.QueueOffset, 10)
	for item := range strings.SplitSeq(got.ExtFields["startOffsetInfo"], ";") {
		if f := strings.Fields(item); len(f) == 3 && f[0] == "0" && f[1] == queue {
			return poppedMessage{topic: e.topicOf(broker), queue: queue, offset: offset, handle: strings.Join([]string{
				f[2], got.ExtFields["popTime"],
				got.ExtFields["invisibleTime"], got.ExtFields["reviveQid"], "0", broker, queue, offset,
			}, " ")}, true
		}
	}
	return poppedMessage{}, false
}

func (l *poppedMessage) fields() map[string]string {
	return map[string]string{"consumerGroup": popGroup, "topic": l.topic, "queueId": l.queue, "offset": l.offset, "extraInfo": l.handle}
}

// settle decides what becomes of popped messages.
func (e *environment) settle(w *wire, broker string, popped []poppedMessage) error {
	var broken error
	acks := make(map[*poppedMessage]*asked)
	for i := range popped {
		l := &popped[i]
		switch rand.IntN(40) {
		case 0:
			continue
		case 1:
			if err := e.prolong(w, broker, l); err != nil {
				return err
			}
			if rand.IntN(2) == 0 {
				continue
			}
		}
		waits, err := w.ask(ackMessage, l.fields(), nil)
		if err != nil {
			return err
		}
		e.ledger.receive(popGroup, numberedBody(l.id))
		acks[l] = waits
	}
	for l, waits := range acks {
		got, err := w.await(waits, answerPatience)
		if err != nil {
			broken = err
			continue
		}
		// One that comes too late is answered the same way, and does nothing.
		if now := time.Now().UnixMilli(); got.Code == 0 && now < l.ends {
			e.ledger.acked(l.id, now)
		}
	}
	return broken
}

// prolong asks for more time. If that comes to the broker when the message has gone out once more, there are two of it.
func (e *environment) prolong(w *wire, broker string, l *poppedMessage) error {
	fields := l.fields()
	fields["invisibleTime"] = strconv.FormatInt(invisible.Milliseconds(), 10)
	got, err := w.call(changeInvisibleMessage, fields, nil)
	if err == nil {
		err = got.Err()
	}
	if err != nil || time.Now().UnixMilli() >= l.ends {
		e.ledger.doubled(l.id)
		return errors.Join(err, errTooLate)
	}
	popTime, err := strconv.ParseInt(got.ExtFields["popTime"], 10, 64)
	flag := "0"
	if l.topic != e.topicOf(broker) {
		flag = "1"
	}
	l.handle = strings.Join([]string{
		l.offset, got.ExtFields["popTime"], got.ExtFields["invisibleTime"], got.ExtFields["reviveQid"],
		flag, broker, l.queue, l.offset,
	}, " ")
	l.ends = popTime + invisible.Milliseconds()
	return err
}

var errTooLate = errors.New("the message was not prolonged in time")
