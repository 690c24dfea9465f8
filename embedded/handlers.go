package embedded

import "github.com/rocketmq-proxy/rocketmq-proxy/codec"

// brokerHandlers are the requests a broker knows, by family. Handlers run under the set's lock. Handlers lead back to
// this table, which is why it is filled at init.
var brokerHandlers map[int32]func(*Broker, *request) *codec.Command

func init() {
	brokerHandlers = map[int32]func(*Broker, *request) *codec.Command{
		codec.ReqSendMessage:      (*Broker).send,
		codec.ReqSendMessageV2:    (*Broker).send,
		codec.ReqSendBatchMessage: (*Broker).sendBatch,

		codec.ReqEndTransaction: (*Broker).endTransaction,
		codec.ReqRecallMessage:  (*Broker).recall,

		codec.ReqConsumerSendMsgBack: (*Broker).sendBack,
		codec.ReqSendReplyMessage:    (*Broker).sendReply,
		codec.ReqSendReplyMessageV2:  (*Broker).sendReply,

		codec.ReqPullMessage:     (*Broker).pull,
		codec.ReqLitePullMessage: (*Broker).pull,

		codec.ReqQueryConsumerOffset:     (*Broker).queryOffset,
		codec.ReqUpdateConsumerOffset:    (*Broker).updateOffset,
		codec.ReqSearchOffsetByTimestamp: (*Broker).searchOffset,
		codec.ReqGetMaxOffset:            (*Broker).maxOffset,
		codec.ReqGetMinOffset:            (*Broker).minOffset,
		codec.ReqGetEarliestMsgStoreTime: (*Broker).earliestStoreTime,

		codec.ReqQueryMessage:    (*Broker).queryMessage,
		codec.ReqViewMessageByID: (*Broker).viewMessage,

		codec.ReqPopMessage:                 (*Broker).pop,
		codec.ReqPeekMessage:                (*Broker).peek,
		codec.ReqAckMessage:                 (*Broker).ack,
		codec.ReqBatchAckMessage:            (*Broker).batchAck,
		codec.ReqChangeMessageInvisibleTime: (*Broker).changeInvisible,
		codec.ReqNotification:               (*Broker).notification,
		codec.ReqPollingInfo:                (*Broker).pollingInfo,

		codec.ReqQueryAssignment:          (*Broker).queryAssignment,
		codec.ReqSetMessageRequestMode:    (*Broker).setRequestMode,
		codec.ReqGetAllMessageRequestMode: (*Broker).allRequestModes,

		codec.ReqHeartBeat:              (*Broker).heartbeat,
		codec.ReqUnregisterClient:       (*Broker).unregister,
		codec.ReqCheckClientConfig:      (*Broker).checkClientConfig,
		codec.ReqGetConsumerListByGroup: (*Broker).consumerList,

		codec.ReqUpdateAndCreateTopic:         (*Broker).updateTopic,
		codec.ReqUpdateAndCreateTopicList:     (*Broker).updateTopics,
		codec.ReqDeleteTopicInBroker:          (*Broker).deleteTopic,
		codec.ReqGetAllTopicConfig:            (*Broker).topicConfigs,
		codec.ReqGetTopicConfig:               (*Broker).topicConfig,
		codec.ReqGetTopicStatsInfo:            (*Broker).topicStats,
		codec.ReqGetSystemTopicListFromBroker: (*Broker).systemTopicList,

		codec.ReqUpdateAndCreateSubscriptionGroup:     (*Broker).updateGroup,
		codec.ReqUpdateAndCreateSubscriptionGroupList: (*Broker).updateGroupList,
		codec.ReqDeleteSubscriptionGroup:              (*Broker).deleteGroup,
		codec.ReqGetAllSubscriptionGroupConfig:        (*Broker).groupConfigs,
		codec.ReqGetSubscriptionGroupConfig:           (*Broker).groupConfig,
		codec.ReqGetConsumeStats:                      (*Broker).consumeStats,
		codec.ReqQueryTopicConsumeByWho:               (*Broker).consumersOfTopic,
		codec.ReqQueryTopicsByConsumer:                (*Broker).topicsByConsumer,
		codec.ReqQuerySubscriptionByConsumer:          (*Broker).subscriptionOf,

		codec.ReqGetConsumerConnectionList:       (*Broker).consumerConnections,
		codec.ReqGetProducerConnectionList:       (*Broker).producerConnections,
		codec.ReqGetAllProducerInfo:              (*Broker).producers,
		codec.ReqGetConsumerRunningInfo:          (*Broker).runningInfo,
		codec.ReqConsumeMessageDirectly:          (*Broker).consumeDirectly,
		codec.ReqInvokeBrokerToGetConsumerStatus: (*Broker).consumerStatus,

		codec.ReqInvokeBrokerToResetOffset: (*Broker).resetOffsets,
		codec.ReqGetAllConsumerOffset:      (*Broker).allOffsets,
		codec.ReqCloneGroupOffset:          (*Broker).cloneOffsets,

		codec.ReqUpdateBrokerConfig:       (*Broker).updateConfig,
		codec.ReqGetBrokerConfig:          (*Broker).config,
		codec.ReqGetBrokerRuntimeInfo:     (*Broker).runtimeInfo,
		codec.ReqCleanExpiredConsumeQueue: (*Broker).nothingToDo,
		codec.ReqCleanUnusedTopic:         (*Broker).nothingToDo,
		codec.ReqDeleteExpiredCommitLog:   (*Broker).nothingToDo,

		codec.ReqLockBatchMQ:   (*Broker).lockQueues,
		codec.ReqUnlockBatchMQ: (*Broker).unlockQueues,
	}
}

// onVIPChannel reports whether a request is served on port-2, which has no long polling
// (BrokerController.java#registerProcessor).
func onVIPChannel(code int32) bool {
	switch code {
	case codec.ReqPullMessage, codec.ReqLitePullMessage, codec.ReqPopMessage, codec.ReqPeekMessage,
		codec.ReqNotification, codec.ReqPollingInfo:
		return false
	}
	return true
}

// version5 is V5_0_0_SNAPSHOT (MQVersion.java).
const version5 = 413

// since5 are requests that brokers before 5.0 do not know.
var since5 = map[int32]bool{
	codec.ReqPopMessage: true, codec.ReqAckMessage: true, codec.ReqChangeMessageInvisibleTime: true, codec.ReqBatchAckMessage: true,
	codec.ReqGetTopicConfig: true, codec.ReqGetSubscriptionGroupConfig: true,
}
