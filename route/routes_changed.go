package route

import "github.com/rocketmq-proxy/rocketmq-proxy/codec"

// ChangesRoutes reports whether a request changes what name servers answer to 105 or 106: whoever sends it may ask a moment
// later, and must not be told what was known before (PROTOCOL.md B.9, B.10).
func ChangesRoutes(code int32) bool {
	switch code {
	case codec.ReqUpdateAndCreateTopic, codec.ReqUpdateAndCreateTopicList, codec.ReqUpdateAndCreateStaticTopic, // to brokers
		codec.ReqDeleteTopicInBroker, codec.ReqCleanUnusedTopic,
		codec.ReqUpdateBrokerConfig,                   // brokerPermission
		codec.ReqPutKVConfig, codec.ReqDeleteKVConfig, // to name servers: the order of topics
		codec.ReqWipeWritePermOfBroker, codec.ReqAddWritePermOfBroker,
		codec.ReqDeleteTopicInNamesrv, codec.ReqRegisterTopicInNamesrv:
		return true
	}
	return false
}
