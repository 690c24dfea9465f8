package grpc

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
)

// topicQuery asks what is known of a topic.
type topicQuery struct {
	question
	topic string
	own   bool // it is metadata's: it stays

	route     *translate.Route
	attribute string // message.type; "": not known
	err       error
}

// groupQuery asks how a consumer group is configured at the brokers of a topic.
type groupQuery struct {
	question
	group, topic string

	config translate.Group
}

// metadata asks about each topic and group once for all calls, and remembers the answers for a while. That a topic does not
// exist is never remembered.
type metadata struct {
	*shared
	asker
	ctx    actor.Context // valid within Receive only
	topics map[string]*topic
	groups map[string]*group
	asking map[*messages.Exchange]string // the topics that the cluster is asked for
	cancel func()
}

type topic struct {
	route       *translate.Route
	body        []byte // that route was read from; the cluster's, which never changes
	at          int64  // when the cluster said so, on the process clock
	attribute   string
	attributeAt int64 // when a broker was asked for it
	used        int64
	asked       int64 // when the cluster was asked for those that wait
	question    *messages.Exchange
	waiting     []*topicQuery
}

type group struct {
	config  translate.Group
	at      int64 // 0: never
	used    int64
	asked   int64 // when somebody was asked for those that wait
	waiting []*groupQuery
}

const (
	routeFresh     = time.Second
	configFresh    = 20 * time.Second
	forgetUnused   = 5 * time.Minute
	metadataTick   = time.Minute
	configPatience = 500 * time.Millisecond // a broker that does not say it by then leaves it open
	// askAgain is when whoever was asked is asked again: its actor has been restarted, or its cluster is gone.
	askAgain = answerTimeout
	// maxGroups bounds what is remembered of groups, whose names clients make up.
	maxGroups = 10_000
)

// Receive is part of actor.Actor.
func (d *metadata) Receive(ctx actor.Context) {
	d.ctx = ctx
	switch m := ctx.Message().(type) {
	case *actor.Started:
		d.self = system.NewSink(d.Env.System, ctx.Self())
		d.topics, d.groups, d.asking = map[string]*topic{}, map[string]*group{}, map[*messages.Exchange]string{}
		d.cancel = system.Every(metadataTick, d.self, &messages.Tick{})
	case *topicQuery:
		d.topic(m)
	case *groupQuery:
		d.group(m)
	case *messages.RouteReply:
		d.routeKnown(m)
	case *exchange:
		d.answered(m.asked())
	case *overdue:
		d.expired(m)
	case *messages.Tick:
		d.forget()
	case *actor.Stopping, *actor.Restarting:
		d.Env.CleanUp(d.cancel)
	}
}

func (d *metadata) topic(q *topicQuery) {
	now := d.Env.Now()
	t := d.topics[q.topic]
	if t == nil {
		t = &topic{attributeAt: now - int64(configFresh)}
		d.topics[q.topic] = t
	}
	t.used = now
	if t.route != nil && now-t.at < int64(routeFresh) && now-t.attributeAt < int64(configFresh) {
		d.tell(t, q)
		return
	}
	if now-t.asked > int64(askAgain) {
		d.failTopic(t, translate.Timeout("of topic "+q.topic))
	}
	t.waiting = append(t.waiting, q)
	if len(t.waiting) == 1 {
		t.asked = now
		delete(d.asking, t.question)
		t.question = messages.NewExchange()
		d.asking[t.question] = q.topic
		d.ctx.Send(d.Cluster(), &messages.RouteQuery{X: t.question, Topic: q.topic, To: d.ctx.Self()})
	}
}

func (d *metadata) tell(t *topic, q *topicQuery) {
	q.route, q.attribute = t.route, t.attribute
	q.send()
}

// send sends a query back with its answer.
func (q *topicQuery) send() {
	if q.own {
		q.then()
		return
	}
	q.from.Deliver(q)
}

func (d *metadata) routeKnown(m *messages.RouteReply) {
	name, ok := d.asking[m.X]
	delete(d.asking, m.X)
	t := d.topics[name]
	if !ok || t == nil {
		return
	}
	if err := t.learn(name, m, d.Env.Now()); err != nil {
		d.refuse(name, t, err)
		return
	}
	if asked := t.route.Masters(); d.Env.Now()-t.attributeAt >= int64(configFresh) && len(asked) > 0 {
		d.config(asked[0], translate.TopicType(name), func(answer *codec.Command) {
			t.attributeAt = d.Env.Now()
			if answer != nil {
				t.attribute = translate.ReadTopicType(answer)
			}
			d.tellAll(t)
		})
		return
	}
	d.tellAll(t)
}

// learn takes a route.
func (t *topic) learn(name string, m *messages.RouteReply, now int64) error {
	switch {
	case m.Code == codec.ResTopicNotExist:
		return translate.TopicNotFound(name)
	case m.Code != codec.ResSuccess || len(m.Body) == 0:
		return translate.NoRoute(name, m.Remark)
	}
	if len(t.body) != len(m.Body) || &t.body[0] != &m.Body[0] {
		r, err := translate.ReadRoute(m.Body)
		if err != nil {
			return translate.NoRoute(name, err.Error())
		}
		t.route, t.body = r, m.Body
	}
	t.at = now
	return nil
}

func (d *metadata) refuse(name string, t *topic, err error) {
	delete(d.topics, name)
	d.failTopic(t, err)
}

// failTopic has those that wait for a topic know that it will not come.
func (d *metadata) failTopic(t *topic, err error) {
	waiting := t.waiting
	t.waiting = nil
	for _, q := range waiting {
		q.err = err
		q.send()
	}
}

func (d *metadata) tellAll(t *topic) {
	for _, q := range t.waiting {
		d.tell(t, q)
	}
	t.waiting = nil
}

// config asks a broker for a configuration; then gets nil when it does not answer in time.
func (d *metadata) config(broker string, command *codec.Command, then func(answer *codec.Command)) {
	x := &exchange{broker: broker, command: command}
	d.ask(d.links, x, configPatience, func() { then(x.answer) }, func() { then(nil) })
}

// group asks the topic's first broker, so that answers do not change from one time to the next.
func (d *metadata) group(q *groupQuery) {
	now := d.Env.Now()
	g := d.groups[q.group]
	if g == nil {
		g = &group{config: translate.DefaultGroup()}
		d.makeRoom()
		d.groups[q.group] = g
	}
	g.used = now
	if g.at != 0 && now-g.at < int64(configFresh) {
		q.config = g.config
		q.from.Deliver(q)
		return
	}
	if now-g.asked > int64(askAgain) {
		d.groupKnown(g)
	}
	g.waiting = append(g.waiting, q)
	if len(g.waiting) > 1 {
		return
	}
	g.asked = now
	of := &topicQuery{topic: q.topic}
	of.then, of.own = func() { d.askGroup(q.group, g, of.route) }, true
	d.topic(of)
}

func (d *metadata) askGroup(name string, g *group, r *translate.Route) {
	if r == nil || len(r.Masters()) == 0 {
		d.groupKnown(g)
		return
	}
	d.config(r.Masters()[0], translate.GroupConfig(name), func(answer *codec.Command) {
		g.at = d.Env.Now()
		if answer != nil {
			g.config = translate.ReadGroup(answer)
		}
		d.groupKnown(g)
	})
}

func (d *metadata) groupKnown(g *group) {
	for _, q := range g.waiting {
		q.config = g.config
		q.from.Deliver(q)
	}
	g.waiting = nil
}

// makeRoom forgets a group, whichever, when there are too many.
func (d *metadata) makeRoom() {
	if len(d.groups) < maxGroups {
		return
	}
	for name, g := range d.groups {
		d.groupKnown(g)
		delete(d.groups, name)
		return
	}
}

// forget forgets what nobody has asked for in a while.
func (d *metadata) forget() {
	before := d.Env.Now() - int64(forgetUnused)
	for name, t := range d.topics {
		if t.used < before {
			d.refuse(name, t, translate.Timeout("of topic "+name))
		}
	}
	for name, g := range d.groups {
		if g.used < before {
			d.groupKnown(g)
			delete(d.groups, name)
		}
	}
}
