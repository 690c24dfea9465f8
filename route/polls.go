package route

import (
	"strconv"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Poll reports whether a broker may hold a request until there is something to answer. Such requests are not work that
// something has to wait for: a consumer always has some.
func Poll(requestCode int32) bool {
	switch requestCode {
	case codec.ReqPullMessage, codec.ReqLitePullMessage, codec.ReqPopMessage, codec.ReqPopMessageEnvoy, codec.ReqNotification:
		return true
	}
	return false
}

// Bulky reports whether the answer to a request may be large: messages, or a list of all of something.
func Bulky(requestCode int32) bool {
	switch requestCode {
	case codec.ReqPullMessage, codec.ReqLitePullMessage, codec.ReqPopMessage, codec.ReqPopMessageEnvoy, codec.ReqPeekMessage,
		codec.ReqQueryMessage, codec.ReqViewMessageByID,
		codec.ReqGetAllTopicConfig, codec.ReqGetAllSubscriptionGroupConfig, codec.ReqGetAllConsumerOffset, codec.ReqGetAllDelayOffset,
		codec.ReqGetTopicStatsInfo, codec.ReqGetConsumeStats, codec.ReqGetBrokerConsumeStats, codec.ReqQueryConsumeQueue,
		codec.ReqGetConsumerConnectionList, codec.ReqGetProducerConnectionList, codec.ReqGetConsumerRunningInfo:
		return true
	}
	return false
}

// AskedOffset is the offset that a pull asks for; ok is false for other requests, and for a pull that does not say.
func AskedOffset(h *codec.Header, raw []byte) (offset int64, ok bool) {
	if h.Code != codec.ReqPullMessage && h.Code != codec.ReqLitePullMessage {
		return 0, false
	}
	value, _ := h.Ext(raw, "queueOffset")
	offset, err := strconv.ParseInt(string(value), 10, 64)
	return offset, err == nil && offset >= 0
}

// Time that a poll may take.
const (
	briefPoll   = time.Second     // of one that the broker would answer at once
	longestPoll = 5 * time.Minute // whatever it says
)

// suspend is the flag of a pull that the broker may hold (PullSysFlag.java).
const suspend = 2

// PollTime is how long a pull or a pop may be kept from its broker: for as long as the broker itself could hold it.
func PollTime(h *codec.Header, raw []byte) time.Duration {
	field := "pollTime" // PopMessageRequestHeader.java
	switch h.Code {
	case codec.ReqPullMessage, codec.ReqLitePullMessage:
		field = "suspendTimeoutMillis"
		if flags, err := strconv.ParseInt(h.ExtString(raw, "sysFlag"), 10, 32); err != nil || flags&suspend == 0 {
			return briefPoll
		}
	}
	millis, err := strconv.ParseInt(h.ExtString(raw, field), 10, 64)
	if err != nil || millis <= 0 {
		return briefPoll
	}
	return time.Duration(min(millis, int64(longestPoll/time.Millisecond))) * time.Millisecond
}

// PollAgain is the answer that a broker gives to a held poll when nothing has come, upon which its client polls again:
// to a pull with the offset that was asked for, or the client would go on from another one. The fields are those that
// clients insist on (PullMessageResponseHeader.java, PopMessageResponseHeader.java, NotificationResponseHeader.java).
func PollAgain(requestCode int32, asked int64) (code int32, ext map[string]string) {
	switch requestCode {
	case codec.ReqPullMessage, codec.ReqLitePullMessage:
		offset := strconv.FormatInt(asked, 10)
		return codec.ResPullNotFound, map[string]string{"suggestWhichBrokerId": "0", "nextBeginOffset": offset, "minOffset": "0", "maxOffset": offset}
	case codec.ReqNotification:
		return codec.ResSuccess, map[string]string{"hasMsg": "false", "pollingFull": "false"}
	default:
		return codec.ResPollingTimeout, map[string]string{"popTime": "0", "invisibleTime": "0", "reviveQid": "0", "restNum": "0"}
	}
}
