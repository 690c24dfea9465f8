package embedded

import (
	"maps"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// heartbeatTimeout is how long a client may send no heartbeat before it is closed (ConsumerManager.java#CHANNEL_EXPIRED_TIMEOUT).
const heartbeatTimeout = 120 * time.Second

// heartbeatData is the body of 34 (HeartbeatData.java).
type heartbeatData struct {
	ClientID    string          `json:"clientID"`
	Producers   []producerData  `json:"producerDataSet"`
	Consumers   []*consumerData `json:"consumerDataSet"`
	Fingerprint int64           `json:"heartbeatFingerprint"`
	WithoutSub  bool            `json:"withoutSub"`
}

type producerData struct {
	GroupName string `json:"groupName"`
}

type consumerData struct {
	GroupName        string          `json:"groupName"`
	ConsumeType      string          `json:"consumeType" enum:"CONSUME_ACTIVELY CONSUME_PASSIVELY CONSUME_POP"`
	MessageModel     string          `json:"messageModel" enum:"BROADCASTING CLUSTERING LITE_SELECTIVE"`
	ConsumeFromWhere string          `json:"consumeFromWhere" enum:"CONSUME_FROM_LAST_OFFSET CONSUME_FROM_LAST_OFFSET_AND_FROM_MIN_WHEN_BOOT_FIRST CONSUME_FROM_MIN_OFFSET CONSUME_FROM_MAX_OFFSET CONSUME_FROM_FIRST_OFFSET CONSUME_FROM_TIMESTAMP"`
	Subscriptions    []*subscription `json:"subscriptionDataSet"`
}

// heartbeat handles 34 (ClientManageProcessor.java#heartBeat). One with a fingerprint is of the second kind, which
// leaves the subscriptions out once the broker knows them.
func (b *Broker) heartbeat(r *request) *codec.Command {
	var beat heartbeatData
	if err := decodeBody(r.Body, &beat); err != nil {
		return r.illegal(err)
	}
	who := &member{conn: r.conn, clientID: beat.ClientID, language: r.Language, version: r.Version, beatAt: b.set.now()}
	changed := beat.Fingerprint == 0
	for _, d := range beat.Consumers {
		if beat.Fingerprint != 0 {
			last, known := b.members.beats[d.GroupName]
			changed = changed || known && last != beat.Fingerprint
			b.members.beats[d.GroupName] = beat.Fingerprint
		}
		b.joinGroup(d, who, beat.WithoutSub && beat.Fingerprint != 0)
	}
	for _, d := range beat.Producers {
		b.members.addProducer(d.GroupName, who)
	}
	b.seen.changed()
	return r.ok("IS_SUPPORT_HEART_BEAT_V2", "true", "IS_SUB_CHANGE", truth(changed))
}

// joinGroup registers a consumer and makes sure that its group has a retry topic.
func (b *Broker) joinGroup(d *consumerData, who *member, withoutSubscriptions bool) {
	g := b.set.group(d.GroupName)
	if g == nil {
		return
	}
	if d.MessageModel != "BROADCASTING" && g.RetryQueueNums > 0 {
		b.set.retryTopic(retryPrefix + d.GroupName)
	}
	if b.members.addConsumer(d, who, withoutSubscriptions) && g.NotifyIDsChanged {
		b.members.consumers[d.GroupName].notify(d.GroupName)
	}
}

// unregister handles 35. What goes is the connection's membership, whatever client id the request names.
func (b *Broker) unregister(r *request) *codec.Command {
	if group := r.Ext["producerGroup"]; group != "" {
		b.members.removeProducer(group, r.conn)
	}
	if group := r.Ext["consumerGroup"]; group != "" {
		b.members.removeConsumer(group, r.conn)
	}
	b.seen.changed()
	return r.ok()
}

// checkClientConfig handles 46: a consumer asks whether its expressions are understood.
func (b *Broker) checkClientConfig(r *request) *codec.Command {
	var body struct {
		Subscription *subscription `json:"subscriptionData"`
	}
	if err := decodeBody(r.Body, &body); err != nil {
		return r.illegal(err)
	}
	if sub := body.Subscription; sub != nil {
		if _, err := newFilter(sub.SubString, sub.ExpressionType); err != nil {
			return r.refuse(codec.ResSubscriptionParseFailed, "%v", err)
		}
	}
	return r.ok()
}

// consumerList handles 38.
func (b *Broker) consumerList(r *request) *codec.Command {
	group := r.Ext["consumerGroup"]
	g := b.members.consumers[group]
	if g == nil {
		return r.refuse(codec.ResSystemError, "no consumer for this group, %s", group)
	}
	return r.withJSON(map[string][]string{"consumerIdList": g.ids()})
}

// ids lists the client ids of a group, sorted.
func (g *consumerGroup) ids() []string {
	ids := make([]string, 0, len(g.members))
	for _, who := range g.members {
		ids = append(ids, who.clientID)
	}
	slices.Sort(ids)
	return ids
}

// closeExpiredMembers drops clients without a heartbeat for too long, and closes their connections.
func (b *Broker) closeExpiredMembers() {
	silent := make(map[*connection]bool)
	b.locked(func() {
		limit := b.set.now() - heartbeatTimeout.Milliseconds()
		all := slices.Collect(maps.Values(b.members.producers))
		for _, g := range b.members.consumers {
			all = append(all, g.members)
		}
		for _, members := range all {
			for c, who := range members {
				if who.beatAt < limit {
					silent[c] = true
				}
			}
		}
	})
	for c := range silent {
		c.close() // its end takes it out of the groups
	}
}

func truth(b bool) string {
	if b {
		return "true"
	}
	return "false"
}
