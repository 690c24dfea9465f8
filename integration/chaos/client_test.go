package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// bareClient is a bare client: it has one connection at a time, to a broker through one of the proxies, and makes
// another when that ends.
type bareClient struct {
	name  string
	env   *environment
	kills int // how often it was killed: what it knew is gone with each
	mu    sync.Mutex
	wire  *wire
}

// connect connects to a broker through a proxy, whichever comes first, and tries until it succeeds or ctx ends.
func (c *bareClient) connect(ctx context.Context, broker string) (*wire, error) {
	for {
		w, err := c.dial(ctx, broker)
		if err == nil {
			c.mu.Lock()
			c.wire = w
			c.mu.Unlock()
			return w, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s cannot connect to %s: %w", c.name, broker, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (c *bareClient) dial(ctx context.Context, broker string) (*wire, error) {
	ctx, cancel := context.WithTimeout(ctx, stepPatience)
	defer cancel()
	nameServer := c.env.proxies[rand.IntN(len(c.env.proxies))].nameServer()
	route, err := harness.RouteOf(ctx, nameServer, c.env.topicOf(broker))
	if err != nil {
		return nil, err
	}
	if route[broker] == "" {
		return nil, fmt.Errorf("%s is not in the route of %s", broker, nameServer)
	}
	if slices.Contains(c.env.direct, route[broker]) {
		c.env.ledger.violate("the route of %s names the address of %s itself", nameServer, broker)
	}
	return dialWire(ctx, route[broker], c.env.ledger)
}

func (c *bareClient) current() *wire {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wire
}

// life is how often the client has been killed.
func (c *bareClient) life() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kills
}

// die has the client forget what it knew, and returns the connection that it leaves behind; nil: it has none.
func (c *bareClient) die() *wire {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kills++
	return c.wire
}
