package stories

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// goSplitAndTakeOver has two members of a group share the queues, and one take over when the other leaves. The
// client does not tell which queues it has, so rounds of one message to each queue show it.
func goSplitAndTakeOver(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 4)
	queues := queuesOf(target, topic, 4)
	p := target.Producer(t, producer.WithQueueSelector(producer.NewManualQueueSelector()))
	group := harness.Unique(t, "group")
	inboxes := []*harness.Inbox{new(harness.Inbox), new(harness.Inbox)}
	var members []rocketmq.PushConsumer
	for _, in := range inboxes {
		members = append(members, target.Consumer(t, group, topic, consumer.MessageSelector{}, in.Accept))
	}
	sent := uint64(0)
	// round returns which member got the message of each queue. It fails if a message does not come at all.
	round := func() map[string]int {
		want := make(map[harness.Checksum]string)
		for _, queue := range queues {
			sent++
			message := primitive.NewMessage(topic, harness.RandomBody(sent, 300))
			message.Queue = queue
			harness.Send(t, p, message)
			want[sha256.Sum256(message.Body)] = fmt.Sprintf("%s/%d", queue.BrokerName, queue.QueueId)
		}
		owners := make(map[string]int)
		harness.Await(t, func() error {
			for member, in := range inboxes {
				for _, m := range in.All() {
					if queue, ofThisRound := want[sha256.Sum256(m.Body)]; ofThisRound {
						owners[queue] = member
					}
				}
			}
			if len(owners) < len(queues) {
				return fmt.Errorf("messages came from %d of %d queues: %v", len(owners), len(queues), owners)
			}
			return nil
		})
		return owners
	}
	// rebalanced runs rounds until member 0 has that many of the queues.
	rebalanced := func(share int) map[string]int {
		var owners map[string]int
		harness.Await(t, func() error {
			owners = round()
			mine := 0
			for _, member := range owners {
				if member == 0 {
					mine++
				}
			}
			if mine != share {
				return fmt.Errorf("the first of the members has %d of %d queues; want %d", mine, len(queues), share)
			}
			return nil
		})
		return owners
	}
	split := rebalanced(len(queues) / 2)
	before := len(inboxes[0].All()) + len(inboxes[1].All())
	for range 3 {
		require.Equal(t, split, round(), "the split does not stay as it was")
	}
	after := len(inboxes[0].All()) + len(inboxes[1].All())
	require.Equal(t, 3*len(queues), after-before, "deliveries of %d messages to a group of two", 3*len(queues))

	require.NoError(t, members[1].Shutdown())
	rebalanced(len(queues))
}

// goBroadcast has every member get every message.
func goBroadcast(t *testing.T, target *harness.Target) {
	topic := target.Topic(t, 2)
	p := target.Producer(t)
	bodies := harness.RandomBodies(40)
	for _, body := range bodies {
		harness.Send(t, p, primitive.NewMessage(topic, body))
	}
	group := harness.Unique(t, "group")
	t.Cleanup(func() { removeGoOffsets(group) })
	inboxes := []*harness.Inbox{new(harness.Inbox), new(harness.Inbox)}
	for _, in := range inboxes {
		target.Consumer(t, group, topic, consumer.MessageSelector{}, in.Accept, consumer.WithConsumerModel(consumer.BroadCasting))
	}
	inboxes[0].AwaitExactly(t, bodies)
	inboxes[1].AwaitExactly(t, bodies)
}

// removeGoOffsets removes the files in which the Go client keeps the offsets of a broadcasting group: they are under
// the home directory, by client id and then by group.
func removeGoOffsets(group string) {
	home, err := os.UserHomeDir()
	if err != nil {
		return // then the client had no place for them either
	}
	paths, _ := filepath.Glob(filepath.Join(home, ".rocketmq_client_go", "offset", "*", group))
	for _, path := range paths {
		os.RemoveAll(filepath.Dir(path))
	}
}
