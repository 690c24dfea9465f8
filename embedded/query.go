package embedded

import (
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// queryMessage handles 12: messages of a topic by key, or by the unique key that its producer gave it.
func (b *Broker) queryMessage(r *request) *codec.Command {
	f := r.fields()
	topic, key, most := f.str("topic"), f.str("key"), int(f.int("maxNum"))
	begin, end := f.int("beginTimestamp"), f.int("endTimestamp")
	if f.err != nil {
		return r.illegal(f.err)
	}
	match := hasKey
	if r.Ext["_UNIQUE_KEY_QUERY"] == "true" {
		// QueryMessageProcessor.java#queryMessage: the client asks for a window that its clock and ours may not share.
		match = func(p properties, key string) bool { return p.get(propUniqueKey) == key }
		begin, most = 0, 64
	}
	ok := r.ok("indexLastUpdateTimestamp", itoa(b.set.now()), "indexLastUpdatePhyoffset", itoa(b.set.store.next))
	log := b.set.store.log
	for i := len(log) - 1; i >= 0 && most > 0; i-- {
		if rec := log[i]; rec.topic == topic && rec.storedAt >= begin && rec.storedAt <= end && match(rec.properties, key) {
			ok.Body = append(ok.Body, rec.frame...)
			most--
		}
	}
	if ok.Body == nil {
		ok.Code, ok.Remark = codec.ResQueryNotFound, "can not find message, maybe time range not correct"
	}
	return ok
}

// hasKey looks among a message's keys, which are separated by spaces, and at its unique key: both are in a real
// broker's index (IndexService.java#buildIndex).
func hasKey(p properties, key string) bool {
	if p.get(propUniqueKey) == key {
		return true
	}
	for k := range strings.FieldsSeq(p.get(propKeys)) {
		if k == key {
			return true
		}
	}
	return false
}

// viewMessage handles 33. Only the offset counts, as for real brokers.
func (b *Broker) viewMessage(r *request) *codec.Command {
	f := r.fields()
	offset := f.int("offset")
	if f.err != nil {
		return r.illegal(f.err)
	}
	rec := b.set.store.find(offset)
	if rec == nil {
		return r.refuse(codec.ResSystemError, "can not find message by the offset, %d", offset)
	}
	ok := r.ok()
	ok.Body = rec.frame
	return ok
}
