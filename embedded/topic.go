package embedded

import (
	"fmt"
	"strings"
)

// Permission bits of a topic (PermName.java).
const (
	PermInherit = 1
	PermWrite   = 2
	PermRead    = 4
)

// Topics every broker has (TopicConfigManager.java#init, TopicValidator.java).
const (
	defaultTopic  = "TBW102"
	scheduleTopic = "SCHEDULE_TOPIC_XXXX"
	timerTopic    = "rmq_sys_wheel_timer"
	halfTopic     = "RMQ_SYS_TRANS_HALF_TOPIC"
	retryPrefix   = "%RETRY%"
	deadPrefix    = "%DLQ%"
)

// TopicConfig is how a broker has a topic, with the keys of its JSON form.
type TopicConfig struct {
	Attributes  map[string]string `json:"attributes"`
	Order       bool              `json:"order"`
	Perm        int               `json:"perm"`
	ReadQueues  int               `json:"readQueueNums"`
	FilterType  string            `json:"topicFilterType" enum:"SINGLE_TAG MULTI_TAG"`
	Name        string            `json:"topicName"`
	SysFlag     int               `json:"topicSysFlag"`
	WriteQueues int               `json:"writeQueueNums"`
}

type topic struct {
	TopicConfig
	queues []*queue
}

// queue looks one of the topic's queues up; nil if there is none of that number.
func (t *topic) queue(id int32) *queue {
	if id < 0 || int(id) >= len(t.queues) {
		return nil
	}
	return t.queues[id]
}

// putTopic creates a topic or changes it. Queues that go out of use keep their messages.
func (s *brokerSet) putTopic(c TopicConfig) *topic {
	orDefault(&c.FilterType, "SINGLE_TAG")
	if c.Attributes == nil {
		c.Attributes = map[string]string{}
	}
	t := s.topics[c.Name]
	if t == nil {
		t = &topic{}
		s.topics[c.Name] = t
	}
	t.TopicConfig = c
	for len(t.queues) < max(c.ReadQueues, c.WriteQueues) {
		t.queues = append(t.queues, new(queue))
	}
	s.cluster.registry.putTopic(s.name, c)
	return t
}

func (s *brokerSet) createSystemTopics() {
	cluster := s.options.ClusterName
	for _, c := range []TopicConfig{
		{Name: "SELF_TEST_TOPIC", ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite},
		{Name: "BenchmarkTest", ReadQueues: 1024, WriteQueues: 1024, Perm: PermRead | PermWrite},
		{Name: cluster, ReadQueues: 16, WriteQueues: 16, Perm: PermRead | PermWrite | PermInherit},
		{Name: s.name, ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite | PermInherit},
		{Name: "OFFSET_MOVED_EVENT", ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite},
		{Name: scheduleTopic, ReadQueues: len(delayLevels), WriteQueues: len(delayLevels), Perm: PermRead | PermWrite},
		{Name: timerTopic, ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite},
		{Name: halfTopic, ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite},
		{Name: "RMQ_SYS_TRANS_OP_HALF_TOPIC", ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite},
		{Name: "TRANS_CHECK_MAX_TIME_TOPIC", ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite},
		{Name: "RMQ_SYS_TRACE_TOPIC", ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite},
		{Name: cluster + "_REPLY_TOPIC", ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite},
		{Name: "rmq_sys_REVIVE_LOG_" + cluster, ReadQueues: reviveQueues, WriteQueues: reviveQueues, Perm: PermRead | PermWrite},
	} {
		s.putTopic(c)
	}
	if !s.options.DisableAutoCreateTopics {
		n := s.options.DefaultQueues
		s.putTopic(TopicConfig{Name: defaultTopic, ReadQueues: n, WriteQueues: n, Perm: PermRead | PermWrite | PermInherit})
	}
}

// topicForSend finds a topic or creates it after the producer's pattern; nil when that may not be
// (TopicConfigManager.java#createTopicInSendMessageMethod).
func (s *brokerSet) topicForSend(name, pattern string, queues int) *topic {
	if t := s.topics[name]; t != nil {
		return t
	}
	if strings.HasPrefix(name, retryPrefix) {
		return s.retryTopic(name)
	}
	like := s.topics[pattern]
	if like == nil || like.Perm&PermInherit == 0 {
		return nil
	}
	n := min(queues, like.WriteQueues)
	return s.putTopic(TopicConfig{Name: name, ReadQueues: n, WriteQueues: n, Perm: like.Perm &^ PermInherit})
}

// retryTopic finds or creates a topic of one queue, for retries and dead letters.
func (s *brokerSet) retryTopic(name string) *topic {
	if t := s.topics[name]; t != nil {
		return t
	}
	return s.putTopic(TopicConfig{Name: name, ReadQueues: 1, WriteQueues: 1, Perm: PermRead | PermWrite})
}

// CreateTopic creates a topic, or changes how many queues it has.
func (b *Broker) CreateTopic(name string, queues int) error {
	if name == "" || queues <= 0 {
		return fmt.Errorf("cannot create topic %q with %d queues: it needs a name and at least one", name, queues)
	}
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	b.set.putTopic(TopicConfig{Name: name, ReadQueues: queues, WriteQueues: queues, Perm: PermRead | PermWrite})
	return nil
}
