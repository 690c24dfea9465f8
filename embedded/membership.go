package embedded

import (
	"maps"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// membership is the clients of a broker that have sent a heartbeat. As in real ones it is keyed by connection: a group has at most one
// client on each (ConsumerGroupInfo.java#channelInfoTable). Guarded by the set's lock.
type membership struct {
	consumers map[string]*consumerGroup
	producers map[string]map[*connection]*member
	clients   map[string]*connection // producers by client id, for replies; the last one wins
	beats     map[string]int64       // fingerprint of the last heartbeat V2 of a group
}

type member struct {
	conn     *connection
	clientID string
	language codec.Language
	version  int32
	beatAt   int64 // milliseconds
}

type consumerGroup struct {
	members       map[*connection]*member
	subscriptions map[string]*subscription // by topic
	consumeType   string
	model         string
	from          string
}

// subscription is one topic of a group, with the keys of its JSON form (SubscriptionData.java).
type subscription struct {
	ClassFilterMode bool     `json:"classFilterMode"`
	CodeSet         []int32  `json:"codeSet,omitempty"`
	ExpressionType  string   `json:"expressionType"`
	SubString       string   `json:"subString"`
	SubVersion      int64    `json:"subVersion"`
	TagsSet         []string `json:"tagsSet,omitempty"`
	Topic           string   `json:"topic"`
}

func newMembership() membership {
	return membership{
		consumers: make(map[string]*consumerGroup), producers: make(map[string]map[*connection]*member),
		clients: make(map[string]*connection), beats: make(map[string]int64),
	}
}

func (m *membership) addProducer(group string, who *member) {
	if m.producers[group] == nil {
		m.producers[group] = make(map[*connection]*member)
	}
	m.producers[group][who.conn] = who
	m.clients[who.clientID] = who.conn
}

// addConsumer registers a member and reports whether the others should know.
func (m *membership) addConsumer(d *consumerData, who *member, withoutSubscriptions bool) (changed bool) {
	g := m.consumers[d.GroupName]
	if g == nil {
		g = &consumerGroup{members: make(map[*connection]*member), subscriptions: make(map[string]*subscription)}
		m.consumers[d.GroupName] = g
	}
	g.consumeType, g.model, g.from = d.ConsumeType, d.MessageModel, d.ConsumeFromWhere
	_, known := g.members[who.conn]
	g.members[who.conn] = who
	if withoutSubscriptions {
		return !known
	}
	return g.subscribe(d.Subscriptions) || !known
}

// subscribe takes over what a heartbeat says, newer versions only, and drops the topics it does not name
// (ConsumerGroupInfo.java#updateSubscription).
func (g *consumerGroup) subscribe(subs []*subscription) (changed bool) {
	named := make(map[string]bool)
	for _, sub := range subs {
		named[sub.Topic] = true
		old := g.subscriptions[sub.Topic]
		if old == nil || sub.SubVersion > old.SubVersion {
			g.subscriptions[sub.Topic] = sub
		}
		changed = changed || old == nil
	}
	for topic := range g.subscriptions {
		if !named[topic] {
			delete(g.subscriptions, topic)
			changed = true
		}
	}
	return changed
}

// removeConsumer takes a connection out of a group, whatever its client id, and notifies the other members.
func (m *membership) removeConsumer(group string, c *connection) {
	g := m.consumers[group]
	if g == nil || g.members[c] == nil {
		return
	}
	delete(g.members, c)
	if len(g.members) == 0 {
		delete(m.consumers, group)
	}
	g.notify(group)
}

func (m *membership) removeProducer(group string, c *connection) {
	who := m.producers[group][c]
	if who == nil {
		return
	}
	delete(m.producers[group], c)
	if len(m.producers[group]) == 0 {
		delete(m.producers, group)
	}
	if m.clients[who.clientID] == c {
		delete(m.clients, who.clientID)
	}
}

// leave removes everything of a connection.
func (m *membership) leave(c *connection) {
	for _, group := range slices.Sorted(maps.Keys(m.consumers)) {
		m.removeConsumer(group, c)
	}
	for group := range maps.Clone(m.producers) {
		m.removeProducer(group, c)
	}
}

// notify notifies every member that the group has changed (40).
func (g *consumerGroup) notify(group string) {
	for _, who := range g.sorted() {
		who.conn.tell(codec.ReqNotifyConsumerIDsChanged, map[string]string{"consumerGroup": group}, nil)
	}
}

// sorted lists the members by the age of their connections.
func (g *consumerGroup) sorted() []*member { return sortedMembers(g.members) }

func sortedMembers(m map[*connection]*member) []*member {
	return slices.SortedFunc(maps.Values(m), func(a, b *member) int { return int(a.conn.id - b.conn.id) })
}
