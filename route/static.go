package route

import (
	"slices"
	"strings"
)

// Static is a cluster without name servers: its broker processes and their topics are written down ([[cluster.broker]]).
// It never changes.
type Static struct{ Brokers []StaticBroker }

// StaticBroker is one broker process of it, and what routes say of the topics there.
type StaticBroker struct {
	Broker
	ReadQueues, WriteQueues int
	Perm                    int      // 2: write, 4: read, 6: both (PermName.java)
	Topics                  []string // AnyTopic: all that are asked for
	Metadata                map[string]string
}

// AnyTopic stands for every topic, among those of a static broker.
const AnyTopic = "*"

// ownTopics begin the names of topics that brokers make themselves, wherever their group or client comes by
// (MixAll.java#RETRY_GROUP_TOPIC_PREFIX, #DLQ_GROUP_TOPIC_PREFIX; TopicValidator.java#SYSTEM_TOPIC_PREFIX).
var ownTopics = []string{"%RETRY%", "%DLQ%", "rmq_sys_", "RMQ_SYS_"}

func brokersOwn(topic string) bool {
	return slices.ContainsFunc(ownTopics, func(prefix string) bool { return strings.HasPrefix(topic, prefix) })
}

// Has reports whether the broker has a topic.
func (b *StaticBroker) Has(topic string) bool {
	return brokersOwn(topic) || slices.Contains(b.Topics, AnyTopic) || slices.Contains(b.Topics, topic)
}

// Queues are how many the broker has of a topic. Those that it makes itself have one.
func (b *StaticBroker) Queues(topic string) (read, write int) {
	if brokersOwn(topic) {
		return 1, 1
	}
	return b.ReadQueues, b.WriteQueues
}

// All are the broker processes, without their topics.
func (s *Static) All() []Broker {
	all := make([]Broker, 0, len(s.Brokers))
	for _, b := range s.Brokers {
		all = append(all, b.Broker)
	}
	return all
}

// Topics are the names of all topics that are written down, sorted.
func (s *Static) Topics() []string {
	names := []string{}
	for _, b := range s.Brokers {
		names = append(names, b.Topics...)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == AnyTopic })
}

// Of is the part of the cluster that belongs to one RocketMQ cluster.
func (s *Static) Of(cluster string) *Static {
	return s.only(func(b StaticBroker) bool { return b.Cluster == cluster })
}

// Having is the part of the cluster that has a topic.
func (s *Static) Having(topic string) *Static {
	return s.only(func(b StaticBroker) bool { return b.Has(topic) })
}

// Without leaves brokers out that are away; when all are, none: an answer without any broker would have producers create the
// topic.
func (s *Static) Without(away func(BrokerID) bool) *Static {
	if there := s.only(func(b StaticBroker) bool { return !away(b.BrokerID) }); len(there.Brokers) > 0 {
		return there
	}
	return s
}

func (s *Static) only(keep func(StaticBroker) bool) *Static {
	return &Static{slices.DeleteFunc(slices.Clone(s.Brokers), func(b StaticBroker) bool { return !keep(b) })}
}

// Lowest are the processes with the lowest id of each broker, by name: such a one speaks for the broker.
func (s *Static) Lowest() map[string]*StaticBroker {
	lowest := map[string]*StaticBroker{}
	for i := range s.Brokers {
		b := &s.Brokers[i]
		if other := lowest[b.Name]; other == nil || b.ID < other.ID {
			lowest[b.Name] = b
		}
	}
	return lowest
}

// Agreeing are the names of brokers whose metadata has all of some words.
func (s *Static) Agreeing(words map[string]string) map[string]bool {
	agree := map[string]bool{}
	for name, b := range s.Lowest() {
		if b.Agrees(words) {
			agree[name] = true
		}
	}
	return agree
}

// Agrees reports that a broker's metadata has all of some words.
func (b *StaticBroker) Agrees(words map[string]string) bool {
	for key, word := range words {
		if value, has := b.Metadata[key]; !has || value != word {
			return false
		}
	}
	return true
}
