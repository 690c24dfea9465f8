package embedded

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// updateGroup handles 200.
func (b *Broker) updateGroup(r *request) *codec.Command { return b.updateGroups(r, r.Body) }

// updateGroupList handles 225.
func (b *Broker) updateGroupList(r *request) *codec.Command {
	var body struct {
		Groups []json.RawMessage `json:"groupConfigList"`
	}
	if err := decodeBody(r.Body, &body); err != nil {
		return r.illegal(err)
	}
	texts := make([][]byte, len(body.Groups))
	for i, g := range body.Groups {
		texts[i] = g
	}
	return b.updateGroups(r, texts...)
}

func (b *Broker) updateGroups(r *request, texts ...[]byte) *codec.Command {
	for _, text := range texts {
		g := newGroupConfig("")
		if err := decodeBody(text, g); err != nil {
			return r.illegal(err)
		}
		if g.GroupName == "" {
			return r.refuse(codec.ResInvalidParameter, "The specified group is blank.")
		}
		b.set.groups[g.GroupName] = g
	}
	return r.ok()
}

// deleteGroup handles 207.
func (b *Broker) deleteGroup(r *request) *codec.Command {
	name := r.Ext["groupName"]
	delete(b.set.groups, name)
	if r.Ext["cleanOffset"] == "true" {
		for k := range b.set.offsets {
			if k.group == name {
				delete(b.set.offsets, k)
			}
		}
	}
	return r.ok()
}

// groupConfigs handles 201.
func (b *Broker) groupConfigs(r *request) *codec.Command {
	answer := r.withJSON(map[string]any{
		"dataVersion": dataVersion, "forbiddenTable": map[string]any{},
		"subscriptionGroupTable": b.set.groups,
	})
	answer.Ext = map[string]string{"totalGroupNum": itoa(int64(len(b.set.groups)))}
	return answer
}

// groupConfig handles 352.
func (b *Broker) groupConfig(r *request) *codec.Command {
	g := b.set.groups[r.Ext["group"]]
	if g == nil {
		return r.refuse(codec.ResSubscriptionGroupNotExist, "No group in this broker. group: %s", r.Ext["group"])
	}
	return r.withJSON(g)
}

// consumeStats handles 208: how far a group has come in the topics it has offsets for.
func (b *Broker) consumeStats(r *request) *codec.Command {
	group, only := r.Ext["consumerGroup"], r.Ext["topic"]
	table := make(map[messageQueue]offsetKey)
	for _, name := range b.topicsOf(group) {
		if t := b.set.topics[name]; t != nil && (only == "" || only == name) {
			for id := range int32(t.ReadQueues) {
				table[messageQueue{b.Name(), id, name}] = offsetKey{group, name, id}
			}
		}
	}
	ok := r.ok()
	ok.Body = appendQueueTable([]byte(`{"consumeTps":0.0,"offsetTable":`), table, b.appendProgress)
	ok.Body = append(ok.Body, '}')
	return ok
}

func (b *Broker) appendProgress(dst []byte, k offsetKey) []byte {
	q, at := b.set.queueOf(k.topic, k.queue), b.set.offsets[k]
	var lastAt int64
	if rec := q.at(at - 1); rec != nil {
		lastAt = rec.storedAt
	}
	return appendNumbers(dst, "brokerOffset", q.end(), "consumerOffset", at, "lastTimestamp", lastAt, "pullOffset", at)
}

// topicsOf lists the topics that a group has offsets or subscriptions for.
func (b *Broker) topicsOf(group string) []string {
	found := make(map[string]bool)
	for k := range b.set.offsets {
		if k.group == group {
			found[k.topic] = true
		}
	}
	if g := b.members.consumers[group]; g != nil {
		for topic := range g.subscriptions {
			found[topic] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// topicsByConsumer handles 343.
func (b *Broker) topicsByConsumer(r *request) *codec.Command {
	return r.withJSON(map[string]any{"topicList": slices.Concat([]string{}, b.topicsOf(r.Ext["group"]))})
}

// consumersOfTopic handles 300.
func (b *Broker) consumersOfTopic(r *request) *codec.Command {
	topic, found := r.Ext["topic"], make(map[string]bool)
	for name, g := range b.members.consumers {
		if g.subscriptions[topic] != nil {
			found[name] = true
		}
	}
	for k := range b.set.offsets {
		if k.topic == topic {
			found[k.group] = true
		}
	}
	return r.withJSON(map[string]any{"groupList": slices.AppendSeq([]string{}, maps.Keys(found))})
}

// subscriptionOf handles 345.
func (b *Broker) subscriptionOf(r *request) *codec.Command {
	body := map[string]any{"group": r.Ext["group"], "topic": r.Ext["topic"]}
	if g := b.members.consumers[r.Ext["group"]]; g != nil && g.subscriptions[r.Ext["topic"]] != nil {
		body["subscriptionData"] = g.subscriptions[r.Ext["topic"]]
	}
	return r.withJSON(body)
}
