package cluster

import (
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// pauses are those of the cluster's brokers, by name: a master is paused with its slaves. They outlive brokers that are
// forgotten.
type pauses struct {
	mu      sync.Mutex
	of      map[string]*messages.Pause
	timeout atomic.Int64
}

// defaultParkTimeout is that of the configuration.
const defaultParkTimeout = 2 * time.Second

// pauseChanged tells a cluster that a pause has begun or ended.
type pauseChanged struct{ broker string }

// SetParkTimeout says how long a request waits for the end of a pause (cluster.park_timeout).
func (c *Cluster) SetParkTimeout(d time.Duration) { c.pauses.timeout.Store(int64(d)) }

func (c *Cluster) pauseOf(broker string) *messages.Pause {
	c.pauses.mu.Lock()
	defer c.pauses.mu.Unlock()
	p := c.pauses.of[broker]
	if p == nil {
		p = &messages.Pause{Timeout: &c.pauses.timeout}
		if c.pauses.of == nil {
			c.pauses.of = map[string]*messages.Pause{}
		}
		c.pauses.of[broker] = p
	}
	return p
}

// Pause begins a pause of all brokers of a name, known or not, unless it has begun, in which case it goes on.
func (c *Cluster) Pause(broker string, since time.Time) {
	if c.pauseOf(broker).Begin(since) {
		c.tellPaused(broker)
	}
}

// Resume ends it.
func (c *Cluster) Resume(broker string) {
	if c.pauseOf(broker).End() {
		c.tellPaused(broker)
	}
}

// tellPaused tells the cluster's actor, by way of the brokers' ones; without them nobody has to know.
func (c *Cluster) tellPaused(broker string) {
	for _, b := range c.Snapshot().Brokers() {
		if b.ID.Name == broker {
			b.tell(&pauseChanged{broker})
			return
		}
	}
}

// Pauses lists the pauses that are on, by the name of the broker.
func (c *Cluster) Pauses() map[string]*messages.Pause {
	c.pauses.mu.Lock()
	defer c.pauses.mu.Unlock()
	on := maps.Clone(c.pauses.of)
	maps.DeleteFunc(on, func(_ string, p *messages.Pause) bool { return !p.On() })
	return on
}

// pauseChanged passes on that a pause has begun or ended. What became of a broker meanwhile was not: its clients waited.
func (c *clusterActor) pauseChanged(ctx actor.Context, broker string) {
	for _, b := range c.Snapshot().Brokers() {
		if b.ID.Name == broker {
			c.publish(ctx, &messages.BrokerPaused{BrokerRef: b.Ref()})
			if !b.pause.On() && !b.Reachable() {
				c.healthChanged(ctx, b)
			}
		}
	}
}
