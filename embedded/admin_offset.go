package embedded

import (
	"maps"
	"slices"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// resetOffsets handles 222. Since 5.0 the broker moves the offsets itself and sends the next pull there; before, it
// told the consumers (220), as it does here with Options.ClientSideReset.
func (b *Broker) resetOffsets(r *request) *codec.Command {
	f := r.fields()
	topic, group, at := f.str("topic"), f.str("group"), f.int("timestamp")
	only, offset := f.intOr("queueId", -1), f.intOr("offset", -1)
	if f.err != nil {
		return r.illegal(f.err)
	}
	t := b.set.topics[topic]
	if t == nil {
		return r.refuse(codec.ResTopicNotExist, "Topic %s does not exist", topic)
	}
	table := make(map[messageQueue]int64)
	for id := range int32(t.ReadQueues) {
		if only >= 0 && int64(id) != only {
			continue
		}
		to := t.queues[id].placeAt(at)
		if only >= 0 && offset >= 0 {
			to = offset
		}
		k := offsetKey{group, topic, id}
		if was, ok := b.set.offsets[k]; ok && was < to && r.Ext["isForce"] != "true" {
			to = was
		}
		table[messageQueue{b.Name(), id, topic}] = to
	}
	body := append(appendQueueTable([]byte(`{"offsetTable":`), table, appendOffset), '}')
	if b.set.options.ClientSideReset {
		return b.tellReset(r, body)
	}
	for q, to := range table {
		k := offsetKey{group, topic, q.QueueID}
		b.set.resets[k] = to
		b.set.commit(k, to)
	}
	b.set.retryPolls(topic)
	ok := r.ok()
	ok.Body = body
	return ok
}

// placeAt is the offset for a time; -1 stands for the end.
func (q *queue) placeAt(ms int64) int64 {
	if ms == -1 {
		return q.end()
	}
	return q.since(ms)
}

func (b *Broker) tellReset(r *request, body []byte) *codec.Command {
	group := r.Ext["group"]
	g := b.members.consumers[group]
	if g == nil {
		return r.refuse(codec.ResConsumerNotOnline, "Consumer not online, so can not reset offset, Group: %s Topic: %s Timestamp: %s",
			group, r.Ext["topic"], r.Ext["timestamp"])
	}
	for _, who := range g.sorted() {
		who.conn.tell(codec.ReqResetConsumerClientOffset, map[string]string{
			"topic": r.Ext["topic"], "group": group,
			"timestamp": r.Ext["timestamp"], "isForce": r.Ext["isForce"],
		}, body)
	}
	ok := r.ok()
	ok.Body = body
	return ok
}

// allOffsets handles 43, in the form of the file that brokers keep (ConsumerOffsetManager.java).
func (b *Broker) allOffsets(r *request) *codec.Command {
	table := make(map[string]map[int32]int64)
	for k, offset := range b.set.offsets {
		name := k.topic + "@" + k.group
		if table[name] == nil {
			table[name] = make(map[int32]int64)
		}
		table[name][k.queue] = offset
	}
	dst := []byte(`{"offsetTable":{`)
	for i, name := range slices.Sorted(maps.Keys(table)) {
		dst = append(codec.AppendJSONString(appendComma(dst, i), name), ":{"...)
		for j, id := range slices.Sorted(maps.Keys(table[name])) {
			dst = strconv.AppendInt(appendComma(dst, j), int64(id), 10)
			dst = strconv.AppendInt(append(dst, ':'), table[name][id], 10)
		}
		dst = append(dst, '}')
	}
	ok := r.ok()
	ok.Body = append(dst, "}}"...)
	return ok
}

// cloneOffsets handles 314.
func (b *Broker) cloneOffsets(r *request) *codec.Command {
	for k, offset := range maps.Clone(b.set.offsets) {
		if k.group == r.Ext["srcGroup"] && (r.Ext["topic"] == "" || k.topic == r.Ext["topic"]) {
			k.group = r.Ext["destGroup"]
			b.set.commit(k, offset)
		}
	}
	return r.ok()
}
