package translate

import (
	"slices"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

const (
	maxTopic = 127 // bytes (TopicValidator.java)
	maxGroup = 120 // bytes (Validators.java)
)

// systemTopics cannot be used by clients (TopicValidator.java#SYSTEM_TOPIC_SET).
var systemTopics = []string{
	"TBW102", "SCHEDULE_TOPIC_XXXX", "BenchmarkTest", "RMQ_SYS_TRANS_HALF_TOPIC", "RMQ_SYS_TRACE_TOPIC",
	"RMQ_SYS_TRANS_OP_HALF_TOPIC", "TRANS_CHECK_MAX_TIME_TOPIC", "SELF_TEST_TOPIC", "OFFSET_MOVED_EVENT", "CHECKPOINT_TOPIC",
}

// Names are how names of topics and groups reach brokers.
type Names struct {
	// Prefix has a resource's namespace stand before its name (listener.grpc.namespace_prefix); else it is ignored, as with
	// Apache's proxy.
	Prefix bool
}

// Topic is the broker's name of a topic, if a client may use it.
func (n Names) Topic(r *pb.Resource) (string, error) {
	name, err := n.name(r, "topic", maxTopic, pb.Code_ILLEGAL_TOPIC)
	if err != nil {
		return "", err
	}
	if slices.Contains(systemTopics, r.GetName()) || hasPrefixFold(r.GetName(), "rmq_sys_") {
		return "", refuse(pb.Code_ILLEGAL_TOPIC, "topic %q belongs to the system", r.GetName())
	}
	return name, nil
}

// Group is the broker's name of a consumer group, if a client may use it.
func (n Names) Group(r *pb.Resource) (string, error) {
	name, err := n.name(r, "consumer group", maxGroup, pb.Code_ILLEGAL_CONSUMER_GROUP)
	if err != nil {
		return "", err
	}
	if strings.HasPrefix(r.GetName(), "CID_RMQ_SYS_") {
		return "", refuse(pb.Code_ILLEGAL_CONSUMER_GROUP, "consumer group %q belongs to the system", r.GetName())
	}
	return name, nil
}

func (n Names) name(r *pb.Resource, kind string, most int, code pb.Code) (string, error) {
	name := r.GetName()
	if n.Prefix && r.GetResourceNamespace() != "" {
		name = r.GetResourceNamespace() + "%" + name
	}
	switch {
	case strings.TrimSpace(r.GetName()) == "":
		return "", refuse(code, "%s is blank", kind)
	case len(name) > most:
		return "", refuse(code, "%s %.40q… is longer than %d bytes", kind, name, most)
	case strings.IndexFunc(name, notInName) >= 0:
		return "", refuse(code, "%s %q has characters other than %%|a-zA-Z0-9_-", kind, name)
	}
	return name, nil
}

func notInName(r rune) bool {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return false
	}
	return !strings.ContainsRune("%|_-", r)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

const (
	retryPrefix      = "%RETRY%"
	deadLetterPrefix = "%DLQ%"
)

// brokersOwn reports that a topic is one of a consumer group, which has no type.
func brokersOwn(topic string) bool {
	return strings.HasPrefix(topic, retryPrefix) || strings.HasPrefix(topic, deadLetterPrefix)
}

// blankOrControl reports that a word is empty, blank, or has a control character.
func blankOrControl(s string) bool { return strings.TrimSpace(s) == "" || hasControl(s) }

func hasControl(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x20 || r == 0x7f }) >= 0
}
