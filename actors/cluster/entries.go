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
	good    bool
	at      int64 // when it was fetched
	used    int64
	waiting []*messages.RouteQuery
	asking  bool
}

// clusterTopic is the key of the cluster's entry. No topic has this name, whatever clients ask for.
const clusterTopic = "\x00cluster"

const (
	// maxTopic bounds what is asked for in bytes: topics have at most 127 characters, retry topics some more than 255
	// (TopicValidator.java#TOPIC_MAX_LENGTH, Validators.java#CHARACTER_MAX_LENGTH).
	maxTopic = 1024
	// fresh is how long an answer serves others without a new query. Short, so that a topic that was created or
	// changed a moment ago looks as it does at a name server; long enough that 10,000 clients cost one query a second.
	fresh = time.Second
	// forget: entries that nobody asked for. Clients poll each 30 s.
	forgetAfter = time.Hour
	// forgetAbsent: topics that are not, or that nobody could be asked about. Clients may make up as many as they like.
	forgetAbsent = 3 * time.Second
)

func (c *clusterActor) entry(topic string) *entry {
	e := c.entries[topic]
	if e == nil {
		e = &entry{}
		c.entries[topic] = e
	}
	e.used = c.env.Now()
	return e
}

// forgetEntries forgets what nobody asks for any longer.
func (c *clusterActor) forgetEntries(now int64) {
	for topic, e := range c.entries {
		if !e.asking && now-e.used > int64(e.patience()) && topic != clusterTopic {
			delete(c.entries, topic)
		}
	}
}

// patience is how long an entry is kept that nobody asks for.
func (e *entry) patience() time.Duration {
	if e.good && e.code == codec.ResSuccess {
		return forgetAfter
	}
	return forgetAbsent
}

func (c *clusterActor) ask(ctx actor.Context, m *messages.RouteQuery) {
	topic := m.Topic
	switch {
	case m.Cluster:
		topic = clusterTopic
	case len(topic) > maxTopic || topic == clusterTopic:
		ctx.Send(m.To, &messages.RouteReply{X: m.X, Code: codec.ResSystemError, Remark: "rocketmq-proxy: no topic can have that name"})
		return
	}
	e := c.entry(topic)
	now := c.env.Now()
	if e.good && c.downAt != 0 { // nobody waits for name servers that do not answer
		c.reply(ctx, m, e)
		if !e.asking && now-c.downAt >= int64(retryDown) {
			c.query(ctx, topic, e)
		}
		return
	}
	if !e.asking && e.at != 0 && now-e.at < int64(fresh) {
		c.reply(ctx, m, e)
		return
	}
	e.waiting = append(e.waiting, m)
	if !e.asking {
		c.query(ctx, topic, e)
	}
}

func (c *clusterActor) query(ctx actor.Context, topic string, e *entry) {
	e.asking = true
	c.source.ask(ctx, topic)
}

// accept takes an answer that is good: a route, or the word that there is none. An error says what is wrong with one that
// is not; the source may have others to ask.
func (c *clusterActor) accept(ctx actor.Context, topic, from string, a *codec.Command) error {
	var brokers []route.Broker
	var err error
	switch {
	case a.Code == codec.ResTopicNotExist && topic != clusterTopic:
	case a.Code != codec.ResSuccess:
		return fmt.Errorf("it answers %s: %s", codec.ResponseCodeName(a.Code), a.Remark)
	case topic == clusterTopic:
		brokers, err = rewrite.ClusterBrokers(a.Body)
	default:
		brokers, err = rewrite.TopicRouteBrokers(a.Body)
	}
	if err != nil {
		return fmt.Errorf("cannot read its answer: %w", err)
	}
	c.downAt = 0
	e := c.entry(topic)
	e.code, e.remark, e.body, e.brokers = a.Code, a.Remark, a.Body, brokers
	e.good, e.at = true, c.env.Now()
	c.learn(ctx, from, brokers)
	return nil
}

// failed notes that nobody could answer. The last good answer stays; without one it is code 1, never 17, which would make
// producers create the topic.
func (c *clusterActor) failed(topic string, why error) {
	now := c.env.Now()
	c.downAt = now
	if c.warned.Due(now) {
		about := []any{"cluster", c.Name, "name_servers", describeAll(c.NameServers), "error", why}
		if at := c.Snapshot().Answered(); at.IsZero() {
			c.env.Log.Warn("no name server has answered yet", about...)
		} else {
			c.env.Log.Warn("no name server answers", append(about, "after_seconds", time.Since(at).Round(time.Second).Seconds())...)
		}
	}
	if e := c.entry(topic); !e.good {
		e.code, e.at = codec.ResSystemError, now
		e.remark = fmt.Sprintf("rocketmq-proxy: no name server of cluster %s answers: %v", c.Name, why)
	}
}

// settled ends a query: everybody who waits gets what is known.
func (c *clusterActor) settled(ctx actor.Context, topic string) {
	e := c.entry(topic)
	e.asking = false
	waiting := e.waiting
	e.waiting = nil
	for _, m := range waiting {
		c.reply(ctx, m, e)
	}
}

func (c *clusterActor) reply(ctx actor.Context, m *messages.RouteQuery, e *entry) {
	ctx.Send(m.To, &messages.RouteReply{X: m.X, Cluster: m.Cluster, Code: e.code, Remark: e.remark, Body: e.body, Brokers: e.brokers})
}

// giveUpAll answers everybody who waits, from what is known.
func (c *clusterActor) giveUpAll(ctx actor.Context) {
	for topic, e := range c.entries {
		if !e.good {
			e.code, e.remark, e.at = codec.ResSystemError, "rocketmq-proxy: looking for the route failed; ask again", 0
		}
		c.settled(ctx, topic)
	}
}
