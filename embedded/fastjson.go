package embedded

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// appendQueueTable writes a map with queues for keys as fastjson does: the keys are objects, which no JSON reader of
// Go's takes.
func appendQueueTable[V any](dst []byte, table map[messageQueue]V, appendValue func([]byte, V) []byte) []byte {
	queues := slices.SortedFunc(maps.Keys(table), func(a, b messageQueue) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.BrokerName, b.BrokerName), cmp.Compare(a.QueueID, b.QueueID))
	})
	dst = append(dst, '{')
	for i, q := range queues {
		dst = codec.AppendJSONString(append(appendComma(dst, i), `{"brokerName":`...), q.BrokerName)
		dst = strconv.AppendInt(append(dst, `,"queueId":`...), int64(q.QueueID), 10)
		dst = codec.AppendJSONString(append(dst, `,"topic":`...), q.Topic)
		dst = appendValue(append(dst, `}:`...), table[q])
	}
	return append(dst, '}')
}

func appendOffset(dst []byte, offset int64) []byte { return strconv.AppendInt(dst, offset, 10) }

// appendNumbers writes an object of numbers: key, value, key, value.
func appendNumbers(dst []byte, pairs ...any) []byte {
	dst = append(dst, '{')
	for i := 0; i < len(pairs); i += 2 {
		dst = codec.AppendJSONString(appendComma(dst, i), pairs[i].(string))
		dst = strconv.AppendInt(append(dst, ':'), pairs[i+1].(int64), 10)
	}
	return append(dst, '}')
}

// objectUnder cuts out the object that stands under a key, whatever kinds of keys it has itself; "{}" when there is
// none.
func objectUnder(body []byte, key string) []byte {
	_, rest, found := bytes.Cut(body, []byte(`"`+key+`":`))
	depth, quoted := 0, false
	for i, c := range rest {
		switch {
		case quoted:
			quoted = c != '"' || rest[i-1] == '\\'
		case c == '"':
			quoted = true
		case c == '{':
			depth++
		case c == '}':
			depth--
		}
		if found && depth == 0 {
			if c == '}' {
				return rest[:i+1]
			}
			break
		}
	}
	return []byte("{}")
}
