package chaos

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// proxy is a proxy under test.
type proxy interface {
	nameServer() string
	target() target
	// measure returns what has to be the same before the first and after the last client.
	measure(ctx context.Context) (baseline, error)
}

// environment is everything that one round of chaos happens in.
type environment struct {
	proxies []proxy
	servers []target // brokers and name servers
	brokers []string
	direct  []string // their own addresses, which no client may be told
	queues  int      // of the topic, on each broker
	topic   string   // of brokers that moved does not name
	ledger  *ledger

	// moved are the topics of brokers of another cluster than the first. onePort: one port is that of all brokers, so that
	// requests name theirs, and one connection is for all.
	moved   map[string]string
	onePort bool

	keepsAcks bool // brokers do not forget an ack when they are killed

	// stock lets stock clients take part; nil where there is no time for their timers. orderly is how many members their
	// group has that consumes in order.
	stock      func(t *testing.T, e *environment, c *clients)
	stockTopic string // "": topic
	orderly    int
}

// topicOf is the topic that is used on a broker.
func (e *environment) topicOf(broker string) string { return cmp.Or(e.moved[broker], e.topic) }

// shares are the queues that one consumer takes each: one, or those with one number where a connection is for all brokers.
func (e *environment) shares() (list [][]queueOf) {
	if !e.onePort {
		for _, q := range e.allQueues() {
			list = append(list, []queueOf{q})
		}
		return list
	}
	list = make([][]queueOf, e.queues)
	for _, q := range e.allQueues() {
		list[q.queue] = append(list[q.queue], q)
	}
	return list
}

// another is a broker that a connection to one may be used for: any, where all have one port.
func (e *environment) another(broker string) string {
	if !e.onePort {
		return broker
	}
	return e.brokers[rand.IntN(len(e.brokers))]
}

// name says in a request which broker it is for, under the name of that field, where the port does not say it.
func (e *environment) name(fields map[string]string, field, broker string) map[string]string {
	if e.onePort {
		fields[field] = broker
	}
	return fields
}

// The fields that have a broker's name (PROTOCOL.md A.5).
const (
	brokerName       = "bname"
	brokerNameOfSend = "n" // of SEND_MESSAGE_V2
)

func (e *environment) allQueues() (all []queueOf) {
	for _, broker := range e.brokers {
		for queue := range e.queues {
			all = append(all, queueOf{broker, queue})
		}
	}
	return all
}

// clients are the clients of a round.
type clients struct {
	producers, consumers sync.WaitGroup
	bare                 []*bareClient
	processes            []*goProcess
	groups               []consumerGroup
	stop                 []func()
}

// consumerGroup is a group that all messages of its topic come to; "": of all topics.
type consumerGroup struct{ name, topic string }

const bareGroup = "bare-consumers"

// start starts producers, which send until ctx ends, and consumers, which stay.
func (e *environment) start(ctx, patience context.Context, t *testing.T) *clients {
	c := &clients{groups: []consumerGroup{{name: bareGroup}, {name: popGroup}}}
	consuming, stop := context.WithCancel(patience)
	c.stop = append(c.stop, stop)
	order := newSequence()
	client := func(name string) *bareClient {
		made := &bareClient{name: name, env: e}
		c.bare = append(c.bare, made)
		return made
	}
	for i, share := range e.shares() {
		consumer := client(fmt.Sprintf("consumer-%d", i))
		c.consumers.Go(func() { consumer.consume(consuming, bareGroup, share, order) })
	}
	for i, q := range e.allQueues() {
		if i%2 == 0 {
			orderly := client(fmt.Sprintf("%s%d", inOrder, i))
			c.producers.Go(func() { orderly.sendInOrder(ctx, patience, q.broker, q.queue) })
		}
	}
	for i := range 2 * len(e.brokers) {
		popper := client(fmt.Sprintf("popper-%d", i))
		c.consumers.Go(func() { popper.pop(consuming, e.brokers[i%len(e.brokers)]) })
	}
	for i := range 2 {
		bulk := client(fmt.Sprintf("bulk-%d", i))
		c.producers.Go(func() { bulk.sendInBulk(ctx, patience) })
	}
	if e.stock != nil {
		e.stock(t, e, c)
	}
	return c
}

// stopConsumers ends the consumers.
func (c *clients) stopConsumers() {
	for _, stop := range c.stop {
		stop()
	}
	c.consumers.Wait()
}

// round is one round of chaos and its reckoning.
func (e *environment) round(t *testing.T, seed uint64, length time.Duration) {
	before := e.measure(t)
	for i, address := range e.direct {
		harness.GuardServer(t, e.brokers[i], address)
	}
	ctx, end := context.WithTimeout(t.Context(), length)
	defer end()
	patient, giveUp := context.WithTimeout(t.Context(), length+harness.Patience)
	defer giveUp()
	c := e.start(ctx, patient, t)
	targets := append([]target{clientTarget(c.bare)}, e.servers...)
	for _, f := range e.proxies {
		targets = append(targets, f.target())
	}
	for _, g := range c.processes {
		targets = append(targets, g.target())
	}
	happened := injectAll(ctx, t, seed, targets)

	// All targets have recovered. What was begun comes to its end, and all that was accepted has to arrive.
	c.producers.Wait()
	for _, g := range c.processes {
		require.NoError(t, g.stopSending())
	}
	over := time.Now()
	for _, group := range c.groups {
		harness.Await(t, func() error {
			if n, example := e.missing(group); n > 0 {
				return fmt.Errorf("seed %d: %d accepted messages have not come to %s, such as %s", seed, n, group.name, example)
			}
			return nil
		})
		t.Logf("%s has got all %s after the last fault", group.name, time.Since(over).Round(time.Millisecond))
	}
	c.stopConsumers()
	stored := e.audit(t)
	e.report(t, c, happened, stored)
	require.Empty(t, e.ledger.violations, "seed %d: promises that were broken", seed)
	require.NotEmpty(t, e.ledger.accepted, "nothing was sent")
	e.awaitBaselines(t, before)
	harness.RequireNoBypass(t)
}

// missing is how many accepted messages have not come to a group yet, and one of them.
func (e *environment) missing(group consumerGroup) (n int, example string) {
	return e.ledger.missing(group.name, func(at place) bool { return group.topic == "" || group.topic == e.topicOf(at.broker) })
}

func (e *environment) report(t *testing.T, c *clients, happened, stored int) {
	l := e.ledger
	t.Logf("%d faults; %d messages accepted, %d refused, %d attempts in doubt, %d stored", happened, len(l.accepted), len(l.refused), l.unknown, stored)
	for _, group := range c.groups {
		t.Logf("%s: %d messages came, %d of them again", group.name, len(l.received[group.name]), l.duplicates(group.name))
	}
}
