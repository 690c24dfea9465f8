package embedded

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// updateTopic handles 17.
func (b *Broker) updateTopic(r *request) *codec.Command {
	f := r.fields()
	c := TopicConfig{
		Name: f.str("topic"), ReadQueues: int(f.int("readQueueNums")), WriteQueues: int(f.int("writeQueueNums")),
		Perm: int(f.int("perm")), FilterType: r.Ext["topicFilterType"], SysFlag: int(f.intOr("topicSysFlag", 0)),
		Order: r.Ext["order"] == "true", Attributes: readAttributes(r.Ext["attributes"]),
	}
	if f.err != nil {
		return r.illegal(f.err)
	}
	if refusal := refuseTopic(r, c); refusal != nil {
		return refusal
	}
	b.set.putTopic(c)
	return r.ok()
}

// updateTopics handles 18.
func (b *Broker) updateTopics(r *request) *codec.Command {
	var body struct {
		Topics []json.RawMessage `json:"topicConfigList"`
	}
	if err := decodeBody(r.Body, &body); err != nil {
		return r.illegal(err)
	}
	topics := make([]TopicConfig, len(body.Topics))
	for i, text := range body.Topics {
		c := TopicConfig{ReadQueues: 16, WriteQueues: 16, Perm: PermRead | PermWrite, FilterType: "SINGLE_TAG"} // TopicConfig.java
		if err := decodeBody(text, &c); err != nil {
			return r.illegal(err)
		}
		if refusal := refuseTopic(r, c); refusal != nil {
			return refusal
		}
		topics[i] = c
	}
	for _, c := range topics {
		b.set.putTopic(c)
	}
	return r.ok()
}

// refuseTopic checks as TopicValidator.java does.
func refuseTopic(r *request, c TopicConfig) *codec.Command {
	allowed := func(ch rune) bool {
		return ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z' || strings.ContainsRune("%|-_", ch)
	}
	if c.Name == "" || len(c.Name) > 127 || strings.ContainsFunc(c.Name, func(ch rune) bool { return !allowed(ch) }) {
		return r.refuse(codec.ResInvalidParameter, "The specified topic %q is blank, longer than 127, or has characters not in ^[%%|a-zA-Z0-9_-]+$", c.Name)
	}
	if isSystemTopic(c.Name) {
		return r.refuse(codec.ResInvalidParameter, "The topic[%s] is conflict with system topic.", c.Name)
	}
	if c.ReadQueues < 0 || c.WriteQueues < 0 || max(c.ReadQueues, c.WriteQueues) > 4096 {
		return r.refuse(codec.ResInvalidParameter, "topic %s with %d read and %d write queues: 0 to 4096 are possible", c.Name, c.ReadQueues, c.WriteQueues)
	}
	return nil
}

var systemTopics = []string{
	defaultTopic, scheduleTopic, "BenchmarkTest", halfTopic, "RMQ_SYS_TRACE_TOPIC",
	"RMQ_SYS_TRANS_OP_HALF_TOPIC", "TRANS_CHECK_MAX_TIME_TOPIC", "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT",
}

func isSystemTopic(name string) bool {
	return slices.Contains(systemTopics, name) || strings.HasPrefix(name, "rmq_sys_")
}

// readAttributes reads changes like "+message.type=FIFO,-other"; only what is added counts for a topic put whole.
func readAttributes(text string) map[string]string {
	attributes := make(map[string]string)
	for item := range strings.SplitSeq(text, ",") {
		if key, value, ok := strings.Cut(item, "="); ok && strings.HasPrefix(key, "+") {
			attributes[key[1:]] = value
		}
	}
	return attributes
}

// deleteTopic handles 215. The messages stay in the log until they are the oldest.
func (b *Broker) deleteTopic(r *request) *codec.Command {
	name := r.Ext["topic"]
	if name == "" || isSystemTopic(name) {
		return r.refuse(codec.ResInvalidParameter, "The topic[%s] is blank or conflict with system topic.", name)
	}
	delete(b.set.topics, name)
	for k := range b.set.offsets {
		if k.topic == name {
			delete(b.set.offsets, k)
		}
	}
	b.set.pops.forget(name)
	b.cluster.registry.deleteTopic(b.set.name, name)
	return r.ok()
}

// topicConfigs handles 21.
func (b *Broker) topicConfigs(r *request) *codec.Command {
	table := make(map[string]TopicConfig, len(b.set.topics))
	for name, t := range b.set.topics {
		table[name] = t.TopicConfig
	}
	answer := r.withJSON(map[string]any{"dataVersion": dataVersion, "topicConfigTable": table})
	answer.Ext = map[string]string{"totalTopicNum": itoa(int64(len(table)))}
	return answer
}

// dataVersion is what brokers compare when they replicate; clients only need it to be there.
var dataVersion = map[string]int64{"counter": 0, "stateVersion": 0, "timestamp": 0}

// topicConfig handles 351.
func (b *Broker) topicConfig(r *request) *codec.Command {
	t := b.set.topics[r.Ext["topic"]]
	if t == nil {
		return r.refuse(codec.ResTopicNotExist, "No topic in this broker. topic: %s", r.Ext["topic"])
	}
	return r.withJSON(t.TopicConfig)
}

// topicStats handles 202.
func (b *Broker) topicStats(r *request) *codec.Command {
	t := b.set.topics[r.Ext["topic"]]
	if t == nil {
		return r.refuse(codec.ResTopicNotExist, "topic[%s] not exist", r.Ext["topic"])
	}
	table := make(map[messageQueue]*queue)
	for id := range max(t.ReadQueues, t.WriteQueues) {
		table[messageQueue{b.Name(), int32(id), t.Name}] = t.queues[id]
	}
	ok := r.ok()
	ok.Body = appendQueueTable([]byte(`{"offsetTable":`), table, func(dst []byte, q *queue) []byte {
		return appendNumbers(dst, "lastUpdateTimestamp", q.lastAt, "maxOffset", q.end(), "minOffset", q.first)
	})
	ok.Body = append(ok.Body, `,"topicPutTps":0.0}`...)
	return ok
}

// systemTopicList handles 305.
func (b *Broker) systemTopicList(r *request) *codec.Command {
	list := append(slices.Clone(systemTopics), b.cluster.Name(), b.Name())
	return r.withJSON(map[string]any{"topicList": list})
}
