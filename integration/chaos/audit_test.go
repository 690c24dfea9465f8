package chaos

import (
	"context"
	"fmt"
	"strconv"
	"testing"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

const getMaxOffset = 30

// audit reads everything that is stored back, and compares it with what the producers were told. It returns how many
// messages there are.
func (e *environment) audit(t *testing.T) (stored int) {
	t.Helper()
	auditor := &bareClient{name: "auditor", env: e}
	at := make(map[place]string)
	ids := make(map[string]int)
	for _, q := range e.allQueues() {
		offset := int64(0)
		harness.Await(t, func() error { return auditor.readBack(t.Context(), q, &offset, at) })
	}
	for _, id := range at {
		ids[id]++
	}
	e.ledger.mu.Lock()
	defer e.ledger.mu.Unlock()
	for id, where := range e.ledger.accepted {
		require.Equal(t, id, at[where], "what is stored at %s, where %s was accepted", where, id)
	}
	for id := range e.ledger.refused {
		require.Zero(t, ids[id], "%s was refused by its broker, and is stored", id)
	}
	for id, p := range e.ledger.pops {
		// A producer that learned nothing sends again, and then there are two of that message.
		if e.keepsAcks && p.acked > 0 && p.last > p.acked && !p.doubled && ids[id] == 1 {
			require.Fail(t, "an acked message came again", "%s: the ack was answered at %d, and the broker gave it out at %d", id, p.acked, p.last)
		}
	}
	return len(at)
}

// readBack pulls a queue up to its present end. What it has got so far it keeps when it fails.
func (c *bareClient) readBack(ctx context.Context, q queueOf, offset *int64, at map[place]string) error {
	w, err := c.dial(ctx, q.broker)
	if err != nil {
		return err
	}
	defer w.nc.Close()
	got, err := w.call(getMaxOffset, c.env.name(map[string]string{
		"topic": c.env.topicOf(q.broker), "queueId": strconv.Itoa(q.queue),
	}, brokerName, q.broker), nil)
	if err != nil {
		return err
	}
	end, err := strconv.ParseInt(got.ExtFields["offset"], 10, 64)
	if err != nil {
		return fmt.Errorf("code %d: %s", got.Code, got.Remark)
	}
	for *offset < end {
		*offset, err = c.env.pull(w, "auditors", q, *offset, func(m *primitive.MessageExt) {
			at[place{q.broker, q.queue, m.QueueOffset}] = c.env.ledger.receive("auditors", m.Body)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
