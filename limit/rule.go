package limit

import (
	"net/netip"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Rule is one [[limit]] table.
type Rule struct {
	Name      string
	Listener  string // "": all
	Topic     *route.MatcherSpec
	Group     *route.MatcherSpec
	Client    *route.MatcherSpec
	Addresses []netip.Prefix // empty: all
	Per       Per
	Requests  float64 // per second; 0: no such limit
	Burst     float64 // requests, or bytes if only they are limited; 0: one second's worth
	Bytes     float64 // per second; 0: no such limit
	InFlight  int     // 0: no such limit
}

// Per is what has a bucket of its own.
type Per string

// The values of limit.per.
const (
	PerLimit   Per = ""
	PerClient  Per = "client"
	PerAddress Per = "address"
	PerTopic   Per = "topic"
	PerGroup   Per = "group"
)

// Kind is what limits see in a request.
type Kind uint8

// The kinds of requests.
const (
	Uncounted Kind = iota
	Send           // refused beyond a limit
	Poll           // waits
)

// KindOf is the kind of a request by its code.
func KindOf(requestCode int32) Kind {
	switch {
	case route.Sends(requestCode):
		return Send
	case route.Poll(requestCode) && requestCode != codec.ReqNotification:
		return Poll
	}
	return Uncounted
}

// Request is what limits look at. Topic and group are read from the header when a limit asks for them.
type Request struct {
	Facts  route.Facts
	Kind   Kind
	Bytes  int            // of the frame
	Client string         // the client's id; "": it is not known, and the connection stands for it
	Peer   netip.AddrPort // where the client is

	topic, group         []byte
	topicRead, groupRead bool
}

// topicName is empty when the request names none.
func (r *Request) topicName() []byte {
	if !r.topicRead {
		r.topic, r.topicRead = r.Facts.Topic(), true
	}
	return r.topic
}

// groupName is that of a consumer or a producer.
func (r *Request) groupName() []byte {
	if !r.groupRead {
		r.group, r.groupRead = r.Facts.Group(), true
	}
	return r.group
}

func (r *Request) address() netip.Addr { return r.Peer.Addr().Unmap() }

// matchers are those of a rule, compiled.
type matchers struct {
	topic, group, client *route.Matcher // nil: all
	addresses            []netip.Prefix
}

func (m *matchers) match(r *Request) bool {
	if len(m.addresses) > 0 && !slices.ContainsFunc(m.addresses, func(p netip.Prefix) bool { return p.Contains(r.address()) }) {
		return false
	}
	if m.client != nil && (r.Client == "" || !m.client.MatchString(r.Client)) {
		return false
	}
	if m.group != nil && !m.group.Match(r.groupName(), len(r.groupName()) > 0) {
		return false
	}
	return m.topic == nil || m.topic.Match(r.topicName(), len(r.topicName()) > 0)
}

// compile makes the matchers of a rule.
func (r *Rule) compile() (m matchers, err error) {
	m.addresses = r.Addresses
	for _, each := range []struct {
		spec *route.MatcherSpec
		into **route.Matcher
	}{{r.Topic, &m.topic}, {r.Group, &m.group}, {r.Client, &m.client}} {
		if each.spec == nil {
			continue
		}
		if *each.into, err = route.NewMatcher(*each.spec); err != nil {
			return m, err
		}
	}
	return m, nil
}
