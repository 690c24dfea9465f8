package embedded

import (
	"slices"
	"strings"
)

// Properties with a meaning for the broker (MessageConst.java).
const (
	propKeys          = "KEYS"
	propTags          = "TAGS"
	propUniqueKey     = "UNIQ_KEY"
	propDelayLevel    = "DELAY"
	propTimerDeliver  = "TIMER_DELIVER_MS"
	propTimerSeconds  = "TIMER_DELAY_SEC"
	propTimerMillis   = "TIMER_DELAY_MS"
	propTimerOut      = "TIMER_OUT_MS"
	propRetryTopic    = "RETRY_TOPIC"
	propRealTopic     = "REAL_TOPIC"
	propRealQueue     = "REAL_QID"
	propTransaction   = "TRAN_MSG"
	propProducerGroup = "PGROUP"
	propTransactionID = "__transactionId__"
	propImmunity      = "CHECK_IMMUNITY_TIME_IN_SECONDS"
	propCheckTimes    = "TRANSACTION_CHECK_TIMES"
	propPopHandle     = "POP_CK"
	propFirstPop      = "1ST_POP_TIME"
	propReplyTo       = "REPLY_TO_CLIENT"
	propReplyPushed   = "PUSH_REPLY_TIME"
	propOriginID      = "ORIGIN_MESSAGE_ID"
	propCluster       = "CLUSTER"
	propDeadTopic     = "DLQ_ORIGIN_TOPIC"
	propDeadID        = "DLQ_ORIGIN_MESSAGE_ID"
)

// properties are a message's properties as they travel: key 0x01 value 0x02, again and again. Those that are not changed
// keep their bytes.
type properties string

// all yields the properties in order, until yield says stop.
func (p properties) all(yield func(key, value string) bool) {
	for rest := string(p); rest != ""; {
		var item string
		item, rest, _ = strings.Cut(rest, "\x02")
		if key, value, ok := strings.Cut(item, "\x01"); ok && !yield(key, value) {
			return
		}
	}
}

// get reads one property, "" when it is not there.
func (p properties) get(key string) string {
	if !strings.Contains(string(p), key) {
		return ""
	}
	for k, v := range p.all {
		if k == key {
			return v
		}
	}
	return ""
}

// without returns the properties less these keys.
func (p properties) without(keys ...string) properties {
	var b strings.Builder
	for k, v := range p.all {
		if !slices.Contains(keys, k) {
			b.WriteString(k + "\x01" + v + "\x02")
		}
	}
	return properties(b.String())
}

// with returns the properties with one set, at the end.
func (p properties) with(key, value string) properties {
	if strings.Contains(string(p), key) {
		p = p.without(key)
	}
	if p != "" && !strings.HasSuffix(string(p), "\x02") { // old producers leave the last one out
		p += "\x02"
	}
	return p + properties(key+"\x01"+value+"\x02")
}

// toMap is for those outside the package.
func (p properties) toMap() map[string]string {
	m := make(map[string]string)
	for k, v := range p.all {
		m[k] = v
	}
	return m
}
