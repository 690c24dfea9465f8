package route

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// DefaultOnePortTimeout is timeouts.one_port when it is not set: clients wait 3 s for most answers. A Java client closes a
// connection on which an answer is late, and with it all brokers of a one-port listener.
const DefaultOnePortTimeout = 2700 * time.Millisecond

// Clients wait 1 s for a lock; and a heartbeat, or what sets something up, must not wait for the slowest broker.
const (
	lockTimeout      = 800 * time.Millisecond
	heartbeatTimeout = time.Second
	setUpTimeout     = 4 * time.Second
)

// OnePortTimeout is how long after it was read a request to one broker is answered by the proxy instead (14). setting is
// timeouts.one_port. 0: never, as with polls, acks and requests of tools, which their clients wait for.
func OnePortTimeout(code int32, setting time.Duration) time.Duration {
	if Sends(code) {
		return setting
	}
	switch code {
	case codec.ReqLockBatchMQ, codec.ReqUnlockBatchMQ:
		return min(setting, lockTimeout)
	case codec.ReqQueryConsumerOffset, codec.ReqUpdateConsumerOffset, codec.ReqSearchOffsetByTimestamp, codec.ReqGetMaxOffset,
		codec.ReqGetMinOffset, codec.ReqGetEarliestMsgStoreTime, codec.ReqViewMessageByID, codec.ReqHeartBeat, codec.ReqUnregisterClient,
		codec.ReqConsumerSendMsgBack, codec.ReqEndTransaction, codec.ReqGetConsumerListByGroup, codec.ReqCheckClientConfig,
		codec.ReqRecallMessage, codec.ReqQueryAssignment:
		return setting
	}
	return 0
}

// Timeouts are how long after it was read the answers to a FanOut are joined although some have not come, which then count
// as silent: soon if one of those that came succeeded, late in any case. setting is timeouts.one_port. 0: never.
func (j Join) Timeouts(code int32, setting time.Duration) (soon, late time.Duration) {
	switch j {
	case OfHeartbeats:
		return heartbeatTimeout, setting
	case ErrorWins:
		return setUpTimeout, setUpTimeout
	default:
		late = OnePortTimeout(code, setting)
		return late, late
	}
}
