package cluster

import (
	"fmt"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// query is one question on its way to the name servers: the one that answered last is asked first, the next one when
// it fails or takes long, and the first who knows decides. Who merely does not know the topic is believed when the
// others have nothing better: a name server that was restarted knows nothing until the brokers have come by.
type query struct {
	topic  string
	order  []string          // of name servers
	asked  int               // of them
	open   int               // of those, not heard of yet
	absent *messages.Queried // from one that does not know the topic
	last   error
	cancel func() // of the hedge
}

// hedge is the directory's own message: a query has been waiting for long enough for somebody else to be asked too.
type hedge struct{ id int64 }

// hedgeAfter is what a name server that hangs costs the first question; afterwards the one that answers is asked
// first. A name server that is well answers in a few milliseconds.
const hedgeAfter = 200 * time.Millisecond

func (d *clusterActor) query(ctx actor.Context, topic string, e *entry) {
	e.asking = true
	d.begin(ctx, topic)
}

func (d *clusterActor) begin(ctx actor.Context, topic string) {
	d.lastID++
	q := &query{topic: topic, order: d.View.NameServers()}
	d.queries[d.lastID] = q
	d.next(ctx, d.lastID, q)
}

// next asks one name server more.
func (d *clusterActor) next(ctx actor.Context, id int64, q *query) {
	address := q.order[q.asked]
	q.asked++
	q.open++
	m := &messages.Query{ID: id, Code: codec.ReqGetBrokerClusterInfo}
	if q.topic != clusterTopic {
		m.Code, m.Ext = codec.ReqGetRouteInfoByTopic, map[string]string{"topic": q.topic, "acceptStandardJsonOnly": "true"}
	}
	ctx.Send(d.servers[address], m)
	d.waitFor(id, q)
}

// waitFor sets the time after which a query does not rely on those who were asked.
func (d *clusterActor) waitFor(id int64, q *query) {
	q.stop()
	if q.asked < len(q.order) || q.absent != nil {
		q.cancel = system.After(hedgeAfter, d.self, &hedge{id})
	}
}

func (q *query) stop() {
	if q.cancel != nil {
		q.cancel()
		q.cancel = nil
	}
}

func (d *clusterActor) hedge(ctx actor.Context, m *hedge) {
	switch q := d.queries[m.id]; {
	case q == nil:
	case q.asked < len(q.order):
		d.next(ctx, m.id, q)
	case q.absent != nil:
		d.settle(ctx, m.id, q, q.absent)
	}
}

func (d *clusterActor) queried(ctx actor.Context, m *messages.Queried) {
	q := d.queries[m.ID]
	if q == nil { // somebody else was faster
		return
	}
	q.open--
	others := q.open > 0 || q.asked < len(q.order)
	if q.topic != clusterTopic && m.Err == nil && m.Answer.Code == codec.ResTopicNotExist && others {
		q.absent = m
		for q.asked < len(q.order) {
			d.next(ctx, m.ID, q)
		}
		d.waitFor(m.ID, q)
		return
	}
	d.settle(ctx, m.ID, q, m)
}

// settle ends a query with an answer, if it is good or nobody else can give one.
func (d *clusterActor) settle(ctx actor.Context, id int64, q *query, m *messages.Queried) {
	e := d.entry(q.topic)
	if err := d.accept(ctx, q, e, m); err != nil {
		q.last = fmt.Errorf("name server %s: %w", m.Address, err)
		if m.Err == nil {
			d.distrust(m.Address)
		}
		switch {
		case q.asked < len(q.order):
			d.next(ctx, id, q)
			return
		case q.open > 0:
			return
		case q.absent != nil && m != q.absent:
			d.settle(ctx, id, q, q.absent)
			return
		}
		d.failed(ctx, q, e)
	}
	q.stop()
	delete(d.queries, id)
	e.asking = false
	waiting := e.waiting
	e.waiting = nil
	for _, w := range waiting {
		d.tell(ctx, w, e)
	}
}

// distrust notes that a name server's answer was of no use; its actor has noted only that one came.
func (d *clusterActor) distrust(address string) {
	for _, s := range d.Servers() {
		if s.Address == address {
			s.Up.Store(false)
			s.Failures.Add(1)
		}
	}
}

func (d *clusterActor) stopTimers() {
	d.cancel()
	for _, q := range d.queries {
		q.stop()
	}
}
