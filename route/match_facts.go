package route

import (
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Names of values that a matcher can look at beside the ext fields of a request.
const (
	MatchCode     = "code"     // of the request
	MatchGroup    = "group"    // of consumers or producers, whatever the request calls it
	MatchLanguage = "language" // of the client, such as JAVA or GO
	MatchVersion  = "version"  // of the client, the number in its frames
)

// Facts are what matchers look at of one request.
type Facts struct {
	Header *codec.Header
	Raw    []byte // of the header

	number [20]byte
}

// Value is the value of a name, into the request or f, and whether there is one. It is valid until the next call.
func (f *Facts) Value(name string) (value []byte, present bool) {
	switch name {
	case MatchCode:
		return strconv.AppendInt(f.number[:0], int64(f.Header.Code), 10), true
	case MatchVersion:
		return strconv.AppendInt(f.number[:0], int64(f.Header.Version), 10), true
	case MatchLanguage:
		return append(f.number[:0], f.Header.Language.String()...), true
	case MatchGroup:
		value = f.Group()
		return value, len(value) > 0
	}
	return f.Header.Ext(f.Raw, name)
}

// groupFields are what requests call their group (RequestHeaders of org.apache.rocketmq.remoting.protocol.header): "a" is the
// producer's in requests with abbreviated fields.
var groupFields = []string{"consumerGroup", "producerGroup", "group"}

// Topic is the topic that the header of a request names, into which it points; empty: it names none.
func (f *Facts) Topic() []byte {
	field := "topic"
	switch {
	case abbreviated(f.Header.Code):
		field = "b"
	case f.Header.Code == codec.ReqConsumerSendMsgBack:
		field = "originTopic"
	}
	topic, _ := f.Header.Ext(f.Raw, field)
	return topic
}

// abbreviated tells requests whose ext fields have names of one letter (SendMessageRequestHeaderV2.java).
func abbreviated(code int32) bool {
	return code == codec.ReqSendMessageV2 || code == codec.ReqSendBatchMessage || code == codec.ReqSendReplyMessageV2
}

// Group is the consumer or producer group of a request, into which it points; empty: it names none.
func (f *Facts) Group() []byte {
	if abbreviated(f.Header.Code) {
		group, _ := f.Header.Ext(f.Raw, "a")
		return group
	}
	for _, field := range groupFields {
		if group, ok := f.Header.Ext(f.Raw, field); ok && len(group) > 0 {
			return group
		}
	}
	return nil
}

// HeaderMatcher matches one value of a request.
type HeaderMatcher struct {
	Name string // one of the Match… constants, or an ext field
	*Matcher
}

// Match reports whether a request matches.
func (m HeaderMatcher) Match(f *Facts) bool {
	value, present := f.Value(m.Name)
	return m.Matcher.Match(value, present)
}

// coverHeaders reports that whatever the other list matches the first does too.
func coverHeaders(list, other []HeaderMatcher) bool {
	for _, m := range list {
		implied := false
		for _, o := range other {
			implied = implied || m.Name == o.Name && m.covers(o.Matcher)
		}
		if !implied {
			return false
		}
	}
	return true
}
