package cluster

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// entry is what is known of one topic, or of the cluster.
type entry struct {
	code    int32
	remark  string
	body    []byte
	brokers []route.Broker
	good    bool  // a name server said so
	at      int64 // when it was fetched
	used    int64
	asking  bool
	begun   int64                  // when the query that is under way, or was last, began
	waiting []*messages.RouteQuery // for it, since before it began
	late    []*messages.RouteQuery // those that came after it had begun
}

// key names an entry: a topic as one zone sees it, or a list of topics, all of them or those of a RocketMQ cluster.
type key struct {
	topic, zoneName, zoneMode string
	list                      bool
}

// wholeCluster is the key of the cluster's entry. No topic has this name, whatever clients ask for (route.Decide).
var wholeCluster = key{topic: "\x00cluster"}

const (
	// maxZone bounds each of the words of a zone, and the name of a RocketMQ cluster, in bytes; they are an operator's names and
	// "true".
	maxZone = 256
	// maxZoned bounds how many entries of zones and RocketMQ clusters are kept: clients may make them up, and topics exist in all
	// of them.
	maxZoned = 1000
	// fresh is how long a route serves others without a new query. Short, so that a topic that was changed a moment ago
	// looks as it does at a name server; long enough that 10,000 clients cost one query a second.
	fresh = time.Second
	// unsettled is how long after a request that changes routes none is served from memory: the broker has to carry it out
	// and to tell its name servers.
	unsettled = 3 * time.Second
	// forgetAfter: entries that nobody asked for. Clients poll each 30 s.
	forgetAfter = time.Hour
	// forgetAbsent: topics that are not, or that nobody could be asked about. Clients may make up as many as they like.
	forgetAbsent = 3 * time.Second
)

func (c *clusterActor) entry(k key) *entry {
	e := c.entries[k]
	if e == nil {
		e = &entry{}
		c.entries[k] = e
		if k.zoned() {
			c.zoned++
		}
	}
	e.used = c.env.Now()
	return e
}

func (k key) zoned() bool { return k.zoneName != "" || k.zoneMode != "" || k.list && k.topic != "" }

func (c *clusterActor) forgetEntry(k key) {
	delete(c.entries, k)
	if k.zoned() {
		c.zoned--
	}
}

// forgetEntries forgets what nobody asks for any longer.
func (c *clusterActor) forgetEntries(now int64) {
	for k, e := range c.entries {
		if !e.asking && now-e.used > int64(c.patience(e)) && k != wholeCluster {
			c.forgetEntry(k)
		}
	}
}

// patience is how long an entry is kept that nobody asks for. Static brokers may have any topic, and are asked for nothing.
func (c *clusterActor) patience(e *entry) time.Duration {
	if e.found() && c.Static() == nil {
		return forgetAfter
	}
	return forgetAbsent
}

// found reports that there is a route, or brokers.
func (e *entry) found() bool { return e.good && e.code == codec.ResSuccess }

// serves reports whether what is known since a time answers a question that comes now. Only what was found does: that there
// is no such topic may be wrong a moment later, and who has just created it asks at once.
func (c *clusterActor) serves(e *entry, since int64) bool {
	return e.found() && (c.changedAt == 0 || since-c.changedAt >= int64(unsettled))
}

// keyOf is what a question is about; ok is false when no zone and no RocketMQ cluster can have that name.
func keyOf(m *messages.RouteQuery) (k key, ok bool) {
	if m.Cluster {
		return wholeCluster, true
	}
	if m.List {
		return key{topic: m.Topic, list: true}, len(m.Topic) <= maxZone
	}
	k = key{topic: m.Topic, zoneName: m.ZoneName, zoneMode: m.ZoneMode}
	return k, len(k.zoneName) <= maxZone && len(k.zoneMode) <= maxZone
}

func (c *clusterActor) ask(ctx actor.Context, m *messages.RouteQuery) {
	k, ok := keyOf(m)
	if !ok {
		ctx.Send(m.To, &messages.RouteReply{X: m.X, Topic: m.Topic, From: c.Name, List: m.List, Code: codec.ResSystemError, Remark: "rocketmq-proxy: no zone or cluster can have that name"})
		return
	}
	e := c.entry(k)
	now := c.env.Now()
	switch {
	case c.downAt != 0 && (e.found() || m.Others): // nobody waits for name servers that do not answer
		c.admit(e)
		c.reply(ctx, m, e)
		if !e.asking && now-c.downAt >= int64(retryDown) {
			c.query(ctx, k, e)
		}
	case !e.asking && e.at != 0 && now-e.at < int64(fresh) && (c.serves(e, e.begun) || c.downAt != 0 && !e.good):
		c.reply(ctx, m, e)
	case e.asking:
		e.late = append(e.late, m)
	default:
		e.waiting = append(e.waiting, m)
		c.query(ctx, k, e)
	}
}

func (c *clusterActor) query(ctx actor.Context, k key, e *entry) {
	e.asking, e.begun = true, c.env.Now()
	c.source.ask(ctx, k)
}

// accept takes an answer that is good: a route, or the word that there is none. An error says what is wrong with one that
// is not; the source may have others to ask.
func (c *clusterActor) accept(ctx actor.Context, k key, from string, a *codec.Command) error {
	var brokers []route.Broker
	var err error
	switch {
	case k.list && a.Code != codec.ResSuccess: // a name server may refuse to list topics, and is well
	case k.list:
		_, err = rewrite.TopicListNames(a.Body)
	case a.Code == codec.ResTopicNotExist && k != wholeCluster:
	case a.Code != codec.ResSuccess:
		return fmt.Errorf("it answers %s: %s", codec.ResponseCodeName(a.Code), a.Remark)
	case k == wholeCluster:
		brokers, err = rewrite.ClusterBrokers(a.Body)
	default:
		brokers, err = rewrite.TopicRouteBrokers(a.Body)
	}
	if err != nil {
		return fmt.Errorf("cannot read its answer: %w", err)
	}
	c.take(ctx, k, from, a, brokers)
	if k == wholeCluster {
		c.wasLookedAt(ctx, brokers)
	}
	return nil
}

// take notes a good answer, and the brokers that are in it.
func (c *clusterActor) take(ctx actor.Context, k key, from string, a *codec.Command, brokers []route.Broker) {
	c.downAt = 0
	e := c.entry(k)
	e.code, e.remark, e.body, e.brokers = a.Code, a.Remark, a.Body, brokers
	e.good, e.at = true, c.env.Now()
	c.learn(ctx, from, brokers)
}

// wasLookedAt notes that these are all brokers that there are.
func (c *clusterActor) wasLookedAt(ctx actor.Context, all []route.Broker) {
	c.forgetBrokers(ctx, all)
	c.publish(ctx, &messages.Refreshed{Cluster: c.Name})
}

// failed notes that nobody could answer. A route that was found stays; without one it is code 1, never 17, which would make
// producers create the topic.
func (c *clusterActor) failed(k key, why error) {
	now := c.env.Now()
	c.downAt = now
	if line, ok := c.warned.Allow(now, "cluster", c.Name, "name_servers", describeAll(c.NameServers), "error", why); ok {
		if at := c.Snapshot().Answered(); at.IsZero() {
			c.env.Log.Warn("no name server has answered yet", line...)
		} else {
			c.env.Log.Warn("no name server answers", append(line, "after_seconds", time.Since(at).Round(time.Second).Seconds())...)
		}
	}
	if e := c.entry(k); !e.found() {
		e.good, e.code, e.at = false, codec.ResSystemError, now
		e.remark = fmt.Sprintf("rocketmq-proxy: no name server of cluster %s answers: %v", c.Name, why)
	}
}

// admit has an entry say that nobody answers, if nothing is known of it.
func (c *clusterActor) admit(e *entry) {
	if !e.found() {
		e.good, e.code, e.remark = false, codec.ResSystemError, fmt.Sprintf("rocketmq-proxy: no name server of cluster %s answers", c.Name)
	}
}

// settled ends a query: those who wait for it get what is known. So do those who came later, if it answers them, too; else
// there is one more query for all of them.
func (c *clusterActor) settled(ctx actor.Context, k key) {
	e := c.entry(k)
	e.asking = false
	c.replyAll(ctx, e, &e.waiting)
	switch {
	case len(e.late) == 0:
		if k.zoned() && c.zoned > maxZoned {
			c.forgetEntry(k)
		}
	case c.serves(e, e.begun) || !e.good || c.downAt != 0:
		c.replyAll(ctx, e, &e.late)
	default:
		e.waiting, e.late = e.late, nil
		c.query(ctx, k, e)
	}
}

func (c *clusterActor) replyAll(ctx actor.Context, e *entry, waiting *[]*messages.RouteQuery) {
	for _, m := range *waiting {
		c.reply(ctx, m, e)
	}
	*waiting = nil
}

func (c *clusterActor) reply(ctx actor.Context, m *messages.RouteQuery, e *entry) {
	ctx.Send(m.To, &messages.RouteReply{X: m.X, Topic: m.Topic, From: c.Name, Cluster: m.Cluster, List: m.List, Code: e.code, Remark: e.remark, Body: e.body, Brokers: e.brokers})
}

// giveUpAll answers everybody who waits, from what is known.
func (c *clusterActor) giveUpAll(ctx actor.Context) {
	for _, e := range c.entries {
		if !e.found() {
			e.good, e.code, e.remark, e.at = false, codec.ResSystemError, "rocketmq-proxy: looking for the route failed; ask again", 0
		}
		e.asking = false
		c.replyAll(ctx, e, &e.waiting)
		c.replyAll(ctx, e, &e.late)
	}
}
