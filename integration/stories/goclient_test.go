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
	// notOfTwo is why this client cannot tell it to two brokers behind one port; "": it can, as long as each topic is on one of
	// them.
	notOfTwo string
}{
	{name: "SendSync", run: goSendSync},
	{name: "SendAsync", run: goSendAsync},
	{name: "SendOneway", run: goSendOneway},
	{name: "SendBatch", run: goSendBatch},
	{name: "AutoCreateTopic", run: goAutoCreateTopic, notOfTwo: "the first send is of a topic that no broker has"},
	{name: "ConsumeNewTopicAtOnce", run: goConsumeNewTopicAtOnce, notOfTwo: "the same"},
	{name: "Pull", run: goPull},
	{name: "Orderly", run: goOrderly},
	{name: "TagFilter", run: goTagFilter},
	{name: "SQLFilter", run: goSQLFilter},
	{name: "SplitAndTakeOver", run: goSplitAndTakeOver},
	{name: "Broadcast", run: goBroadcast},
	{name: "Retry", run: goRetry},
	{name: "Delay", run: goDelay},
	{name: "RequestReply", run: goRequestReply, notOfTwo: "a reply (324) has a topic that all brokers have"},
	{name: "Transaction", run: goTransaction, notOfTwo: "END_TRANSACTION (37) has neither a broker nor a topic"},
	{name: "TransactionCheckBack", run: goTransactionCheckBack, notOfTwo: "the same"},
	{name: "Admin", run: goAdmin},
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
