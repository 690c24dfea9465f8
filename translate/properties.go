package translate

import (
	"slices"
	"strings"
)

// Keys of message properties (MessageConst.java).
const (
	propID             = "UNIQ_KEY"
	propTags           = "TAGS"
	propKeys           = "KEYS"
	propShardingKey    = "__SHARDINGKEY"
	propDeliverMillis  = "TIMER_DELIVER_MS"
	propDelaySeconds   = "TIMER_DELAY_SEC"
	propDelayMillis    = "TIMER_DELAY_MS"
	propDelayLevel     = "DELAY"
	propTransaction    = "TRAN_MSG"
	propImmunity       = "CHECK_IMMUNITY_TIME_IN_SECONDS"
	propTransactionID  = "__transactionId__"
	propPriority       = "_SYS_MSG_PRIORITY_"
	propLiteTopic      = "__LITE_TOPIC"
	propGroup          = "PGROUP"
	propTraceContext   = "TRACE_CONTEXT"
	propBornHost       = "__BORNHOST"
	propBornTimestamp  = "BORN_TIMESTAMP"
	propHandle         = "POP_CK"
	propReconsumeTimes = "RECONSUME_TIME"
	propRetryTopic     = "RETRY_TOPIC"
	propDLQTopic       = "DLQ_ORIGIN_TOPIC"
	propDLQMessage     = "DLQ_ORIGIN_MESSAGE_ID"
)

// reserved keys are the system's: nobody may publish with them, and consumers do not see them. It is the set of Apache's
// proxy (MessageConst.java#STRING_HASH_SET).
var reserved = setOf(`TRACE_ON MSG_REGION KEYS TAGS WAIT DELAY RETRY_TOPIC REAL_TOPIC REAL_QID TRAN_MSG PGROUP MIN_OFFSET MAX_OFFSET
	BUYER_ID ORIGIN_MESSAGE_ID TRANSFER_FLAG CORRECTION_FLAG MQ2_FLAG RECONSUME_TIME UNIQ_KEY MAX_RECONSUME_TIMES CONSUME_START_TIME
	POP_CK POP_CK_OFFSET 1ST_POP_TIME TRAN_PREPARED_QUEUE_OFFSET DUP_INFO EXTEND_UNIQ_INFO INSTANCE_ID CORRELATION_ID
	REPLY_TO_CLIENT TTL ARRIVE_TIME PUSH_REPLY_TIME CLUSTER MSG_TYPE INNER_MULTI_QUEUE_OFFSET TIMER_DELAY_MS TIMER_DELAY_SEC
	TIMER_DELIVER_MS TIMER_ENQUEUE_MS TIMER_DEQUEUE_MS TIMER_ROLL_TIMES TIMER_OUT_MS TIMER_DEL_UNIQKEY TIMER_DELAY_LEVEL
	__BORNHOST BORN_TIMESTAMP DLQ_ORIGIN_TOPIC DLQ_ORIGIN_MESSAGE_ID __CRC32# _SYS_MSG_PRIORITY_ __LITE_TOPIC`)

// refused keys would change what a message is, although Apache's proxy lets them pass.
var refused = setOf("__SHARDINGKEY TRANSACTION_CHECK_TIMES __transactionId__")

// hidden keys are written by the system, and Apache's proxy shows them as the user's own.
var hidden = setOf("__SHARDINGKEY TRACE_CONTEXT __transactionId__ CHECK_IMMUNITY_TIME_IN_SECONDS TRANSACTION_CHECK_TIMES")

func setOf(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// Separators of encoded properties (MessageDecoder.java#NAME_VALUE_SEPARATOR, #PROPERTY_SEPARATOR).
const (
	nameEnd     = "\x01"
	propertyEnd = "\x02"
)

// properties are encoded one after another, in the order in which they are put.
type properties struct{ strings.Builder }

func (p *properties) put(key, value string) {
	p.WriteString(key)
	p.WriteString(nameEnd)
	p.WriteString(value)
	p.WriteString(propertyEnd)
}

// readProperties reads encoded properties. Of a key that stands twice the last counts, and what has no separator is left
// out, as in MessageDecoder.java#string2messageProperties.
func readProperties(text string) map[string]string {
	all := map[string]string{}
	for pair := range strings.SplitSeq(text, propertyEnd) {
		if key, value, ok := strings.Cut(pair, nameEnd); ok {
			all[key] = value
		}
	}
	return all
}

// sortedKeys makes what is written the same each time.
func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
