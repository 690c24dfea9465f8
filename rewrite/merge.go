package rewrite

import (
	"bytes"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"
)

// Merge makes one body of several answers to 105, or to 106, of clusters whose brokers have different names: each has been
// through [TopicRoute] or [ClusterInfo], so that they are in one dialect. Lists and tables become those of all; of anything
// else the first one's word counts.
func Merge(bodies ...[]byte) ([]byte, error) {
	merged := bodies[0]
	for _, next := range bodies[1:] {
		m := merger{}
		if merged = m.values("", merged, next); m.err != nil {
			return nil, m.err
		}
	}
	return merged, nil
}

// merger notes the first fault.
type merger struct{ err error }

// member is one key of an object, as it stands there, and its value.
type member struct {
	name       string
	key, value []byte
}

// values merges what two bodies have under a key.
func (m *merger) values(key string, a, b []byte) []byte {
	first, second := m.kindOf(a), m.kindOf(b)
	switch {
	case m.err != nil:
		return nil
	case first == jsonscan.Null:
		return b
	case first != second:
		return a
	case first == jsonscan.Object:
		return m.objects(a, b)
	case first == jsonscan.Array:
		return join(inside(a), inside(b))
	case first == jsonscan.String && key == "orderTopicConf":
		return m.order(a, b)
	}
	return a
}

// objects merges two tables: keys of both have what both have.
func (m *merger) objects(a, b []byte) []byte {
	list, places := m.members(a), map[string]int{}
	for i := range list {
		places[list[i].name] = i
	}
	for _, other := range m.members(b) {
		if i, both := places[other.name]; both {
			list[i].value = m.values(other.name, list[i].value, other.value)
		} else {
			list = append(list, other)
		}
	}
	out := []byte{'{'}
	for i, one := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, one.key...), ':'), one.value...)
	}
	return append(out, '}')
}

func (m *merger) members(text []byte) (list []member) {
	b := newBody(text, "merged")
	for _, key := range b.Members() {
		value := b.Value()
		list = append(list, member{string(b.Contents(key)), text[key.From:key.To], text[value.From:value.To]})
	}
	b.End()
	m.note(b.err())
	return list
}

// order joins two values of orderTopicConf.
func (m *merger) order(a, b []byte) []byte {
	first, second := newBody(a, "merged"), newBody(b, "merged")
	_, one := first.string()
	_, other := second.string()
	if one != "" && other != "" {
		one += ";"
	}
	return codec.AppendJSONString(nil, one+other)
}

// kindOf is what a whole text is.
func (m *merger) kindOf(text []byte) jsonscan.Kind {
	b := newBody(text, "merged")
	kind := b.Value().Kind
	b.End()
	m.note(b.err())
	return kind
}

func (m *merger) note(err error) {
	if m.err == nil {
		m.err = err
	}
}

// inside is what stands between the brackets of an array.
func inside(array []byte) []byte {
	array = bytes.TrimSpace(array)
	return bytes.TrimSpace(array[1 : len(array)-1])
}

// join makes one array of the contents of two.
func join(a, b []byte) []byte {
	out := append([]byte{'['}, a...)
	if len(a) > 0 && len(b) > 0 {
		out = append(out, ',')
	}
	return append(append(out, b...), ']')
}

// MergeTopicLists is the union of several answers to 206 or 224.
func MergeTopicLists(bodies ...[]byte) ([]byte, error) {
	topics, seen := []string{}, map[string]bool{}
	for _, body := range bodies {
		names, err := TopicListNames(body)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if !seen[name] {
				seen[name] = true
				topics = append(topics, name)
			}
		}
	}
	return TopicList(topics), nil
}

// TopicListNames are the topics of an answer to 206 or 224 (TopicList.java).
func TopicListNames(body []byte) (names []string, err error) {
	b := newBody(body, "topic list")
	for _, key := range b.Members() {
		if !b.Is(key, "topicList") {
			b.Value()
			continue
		}
		for range b.elements() {
			_, name := b.string()
			names = append(names, name)
		}
	}
	b.End()
	return names, b.err()
}
