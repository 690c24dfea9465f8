package stories

import (
	"fmt"
	"slices"
	"testing"

	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// goAdmin creates, lists and deletes a topic with the Go admin client, which dials the broker address it is given.
func goAdmin(t *testing.T, target *harness.Target) {
	a, err := admin.NewAdmin(admin.WithResolver(target.Resolver()))
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.Close() })
	topic := harness.Unique(t, "topic")
	for _, address := range target.Brokers {
		require.NoError(t, a.CreateTopic(t.Context(), admin.WithTopicCreate(topic), admin.WithBrokerAddrCreate(address),
			admin.WithReadQueueNums(3), admin.WithWriteQueueNums(3)))
	}
	listed := func(want bool) error {
		topics, err := a.FetchAllTopicList(t.Context())
		if err != nil {
			return err
		}
		if slices.Contains(topics.TopicList, topic) != want {
			return fmt.Errorf("topic %s is in the list: %t; want %t", topic, !want, want)
		}
		return nil
	}
	harness.Await(t, func() error { return listed(true) })
	harness.Await(t, func() error {
		queues, err := a.FetchPublishMessageQueues(t.Context(), topic)
		if err == nil && len(queues) != 3*len(target.Brokers) {
			err = fmt.Errorf("topic %s has %d queues; want %d", topic, len(queues), 3*len(target.Brokers))
		}
		return err
	})
	for _, address := range target.Brokers {
		require.NoError(t, a.DeleteTopic(t.Context(), admin.WithTopicDelete(topic), admin.WithBrokerAddrDelete(address)))
	}
	harness.Await(t, func() error { return listed(false) })
}
