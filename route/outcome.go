package route

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

var (
	stored      = []int32{codec.ResFlushDiskTimeout, codec.ResSlaveNotAvailable, codec.ResFlushSlaveTimeout}
	nothingYet  = []int32{codec.ResPullNotFound, codec.ResPullRetryImmediately, codec.ResPullOffsetMoved}
	nothingLeft = []int32{codec.ResPullNotFound, codec.ResPollingFull, codec.ResPollingTimeout}
	noSuchThing = []int32{codec.ResQueryNotFound}
)

// ordinary lists, by request, the response codes besides 0 that are part of normal life.
var ordinary = map[int32][]int32{
	codec.ReqSendMessage:        stored,
	codec.ReqSendMessageV2:      stored,
	codec.ReqSendBatchMessage:   stored,
	codec.ReqSendReplyMessage:   stored,
	codec.ReqSendReplyMessageV2: stored,

	codec.ReqPullMessage:     nothingYet,
	codec.ReqLitePullMessage: nothingYet,

	codec.ReqPopMessage:      nothingLeft,
	codec.ReqPopMessageEnvoy: nothingLeft,
	codec.ReqPeekMessage:     nothingLeft,
	codec.ReqNotification:    nothingLeft,

	codec.ReqQueryConsumerOffset: noSuchThing, // nothing consumed yet: the client begins by consumeFromWhere
	codec.ReqQueryMessage:        noSuchThing, // asked of every broker, most of which have no such key
}

// Ordinary tells an answer that counts as response_success from one that counts as response_error.
func Ordinary(requestCode, responseCode int32) bool {
	return responseCode == codec.ResSuccess || slices.Contains(ordinary[requestCode], responseCode)
}
