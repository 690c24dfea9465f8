package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// deliberately is the remark of refusals that the script has brokers give: a message that met one is not stored. Other
// codes leave that open.
const deliberately = "chaos refuses this"

// errRefused is the outcome of a send that the broker is known not to have stored.
var errRefused = errors.New(deliberately)

// betweenSends bounds how much a round has to keep and to read back.
const betweenSends = 4 * time.Millisecond

// sendFields is the header of SEND_MESSAGE_V2 (PROTOCOL.md A.5).
func (e *environment) sendFields(producer, broker string, queue int) map[string]string {
	return e.name(map[string]string{
		"a": producer, "b": e.topicOf(broker), "c": "TBW102", "d": "4", "e": strconv.Itoa(queue), "f": "0",
		"g": strconv.FormatInt(time.Now().UnixMilli(), 10), "h": "0", "i": "", "j": "0", "k": "false", "m": "false",
	}, brokerNameOfSend, broker)
}

const sendMessageV2 = 310

// placeIn reads where a message was stored from the answer to its send.
func placeIn(a *harness.Answer, broker string) (place, error) {
	switch {
	case a.Code == 0:
	case a.Remark == deliberately:
		return place{}, errRefused
	default:
		return place{}, fmt.Errorf("code %d: %s", a.Code, a.Remark)
	}
	queue, errQueue := strconv.Atoi(a.ExtFields["queueId"])
	offset, errOffset := strconv.ParseInt(a.ExtFields["queueOffset"], 10, 64)
	return place{broker, queue, offset}, errors.Join(errQueue, errOffset)
}

// sendInOrder sends numbered messages to one queue until ctx ends, each again and again until it is accepted, before the
// next one.
func (c *bareClient) sendInOrder(ctx, patience context.Context, broker string, queue int) {
	var w *wire
	for number := 1; ctx.Err() == nil; number++ {
		id := messageID(c.name, number)
		for {
			if w == nil {
				var err error
				if w, err = c.connect(patience, broker); err != nil {
					c.env.ledger.violate("%v", err)
					return
				}
			}
			a, err := w.call(sendMessageV2, c.env.sendFields(c.name, broker, queue), numberedBody(id))
			if err == nil && c.judge(id, broker, a, false) {
				break
			}
			if err != nil {
				c.env.ledger.doubt()
				w.nc.Close()
				w = nil
			}
			time.Sleep(betweenSends)
		}
		time.Sleep(betweenSends)
	}
	w.nc.Close()
}

// atOnce is how many sends of sendInBulk are in flight.
const atOnce = 16

// sendInBulk sends numbered messages to any queue, many at once and each only once, until ctx ends.
func (c *bareClient) sendInBulk(ctx, patience context.Context) {
	for number := 1; ctx.Err() == nil; {
		broker := c.env.brokers[rand.IntN(len(c.env.brokers))]
		w, err := c.connect(patience, broker)
		if err != nil {
			c.env.ledger.violate("%v", err)
			return
		}
		// A connection is changed for another every now and then, so that all ways are gone.
		for bulk := 0; bulk < 50 && err == nil && ctx.Err() == nil; bulk++ {
			number, err = c.bulk(w, broker, number)
			time.Sleep(atOnce * betweenSends)
		}
		w.nc.Close()
	}
}

// bulk sends some messages and waits for what becomes of them. It returns the next number.
func (c *bareClient) bulk(w *wire, broker string, number int) (int, error) {
	var broken error
	type send struct {
		broker string
		waits  *asked
	}
	all := make(map[string]send)
	for range atOnce {
		id, to := messageID(c.name, number), c.env.another(broker)
		number++
		waits, err := w.ask(sendMessageV2, c.env.sendFields(c.name, to, rand.IntN(c.env.queues)), numberedBody(id))
		if err != nil {
			c.env.ledger.doubt()
			broken = err
			break
		}
		all[id] = send{to, waits}
	}
	for id, s := range all {
		a, err := w.await(s.waits, answerPatience)
		if err != nil {
			c.env.ledger.doubt()
			broken = err
			continue
		}
		c.judge(id, s.broker, a, true)
	}
	return number, broken
}

// judge notes what became of a send and reports whether it was accepted. A refusal is noted only where it is the last
// word on the message.
func (c *bareClient) judge(id, broker string, a *harness.Answer, last bool) bool {
	at, err := placeIn(a, broker)
	switch {
	case err == nil:
		c.env.ledger.accept(id, at)
		return true
	case a.Code == 0:
		c.env.ledger.violate("%s was told success without a place: %v", c.name, err)
	case errors.Is(err, errRefused) && last:
		c.env.ledger.refuse(id)
	default:
		c.env.ledger.doubt()
	}
	return false
}
