package route

import "github.com/rocketmq-proxy/rocketmq-proxy/codec"

// MaxBody bounds the bodies of the requests that NeedsBody names, in bytes. A client in 1,000 groups sends heartbeats
// that are larger.
const MaxBody = 1 << 20

// NeedsBody tells requests that are decided on a one-port listener when all of them has arrived: their body says where
// they go, or they go to several brokers.
func NeedsBody(code int32) bool {
	switch code {
	case codec.ReqHeartBeat, codec.ReqUnregisterClient, codec.ReqLockBatchMQ, codec.ReqUnlockBatchMQ, codec.ReqCheckClientConfig,
		codec.ReqQueryAssignment, codec.ReqBatchAckMessage, codec.ReqViewMessageByID,
		codec.ReqUpdateAndCreateTopic, codec.ReqUpdateAndCreateTopicList, codec.ReqDeleteTopicInBroker, codec.ReqSetMessageRequestMode,
		codec.ReqUpdateAndCreateSubscriptionGroup, codec.ReqDeleteSubscriptionGroup, codec.ReqUpdateAndCreateSubscriptionGroupList:
		return true
	}
	return false
}
