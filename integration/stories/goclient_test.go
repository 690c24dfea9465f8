package stories

import (
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// goStories are told by rocketmq-client-go v2.1.2 against every target. The functions are in the files
// goclient_*_test.go.
var goStories = []struct {
	name string
	run  func(t *testing.T, target *harness.Target)
}{
	{"SendSync", goSendSync},
	{"SendAsync", goSendAsync},
	{"SendOneway", goSendOneway},
	{"SendBatch", goSendBatch},
	{"AutoCreateTopic", goAutoCreateTopic},
	{"ConsumeNewTopicAtOnce", goConsumeNewTopicAtOnce},
	{"Pull", goPull},
	{"Orderly", goOrderly},
	{"TagFilter", goTagFilter},
	{"SQLFilter", goSQLFilter},
	{"SplitAndTakeOver", goSplitAndTakeOver},
	{"Broadcast", goBroadcast},
	{"Retry", goRetry},
	{"Delay", goDelay},
	{"RequestReply", goRequestReply},
	{"Transaction", goTransaction},
	{"TransactionCheckBack", goTransactionCheckBack},
	{"Admin", goAdmin},
}

func TestGoClient(t *testing.T) {
	t.Parallel()
	harness.EachTarget(t, func(t *testing.T, target *harness.Target) {
		for _, story := range goStories {
			t.Run(story.name, func(t *testing.T) {
				t.Parallel()
				story.run(t, target)
			})
		}
	})
}
