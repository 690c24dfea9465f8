package embedded

import (
	"maps"
	"slices"
	"sync"
)

// registry is what the name servers of a cluster know: which brokers there are and what topics they have announced.
// Its lock is the innermost one.
type registry struct {
	cluster string

	mu      sync.Mutex
	addrs   map[string]map[int64]string       // by broker name and id
	topics  map[string]map[string]TopicConfig // by topic and broker name
	kv      map[string]map[string]string      // by namespace and key
	wiped   map[string]bool                   // brokers without write permission, by name
	configs string                            // what 318 has set, as properties
}

func newRegistry(cluster string) *registry {
	return &registry{
		cluster: cluster, addrs: make(map[string]map[int64]string),
		topics: make(map[string]map[string]TopicConfig), kv: make(map[string]map[string]string),
		wiped: make(map[string]bool),
	}
}

// announce makes a broker known.
func (g *registry) announce(name string, id int64, addr string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.addrs[name] == nil {
		g.addrs[name] = make(map[int64]string)
	}
	g.addrs[name][id] = addr
}

// withdraw takes a broker out. A name server does so the moment the broker's connection to it ends
// (BrokerHousekeepingService.java#onChannelClose).
func (g *registry) withdraw(name string, id int64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.addrs[name], id)
	if len(g.addrs[name]) == 0 {
		delete(g.addrs, name)
	}
}

func (g *registry) putTopic(broker string, t TopicConfig) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.topics[t.Name] == nil {
		g.topics[t.Name] = make(map[string]TopicConfig)
	}
	g.topics[t.Name][broker] = t
}

// deleteTopic forgets a topic; of every broker when the name is empty.
func (g *registry) deleteTopic(broker, topic string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.topics[topic], broker)
	if broker == "" || len(g.topics[topic]) == 0 {
		delete(g.topics, topic)
	}
}

// topicNames lists topics that a living broker has announced and that keep accepts.
func (g *registry) topicNames(keep func(topic string) bool) []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	names := []string{}
	for topic, on := range g.topics {
		alive := slices.ContainsFunc(slices.Collect(maps.Keys(on)), func(b string) bool { return g.addrs[b] != nil })
		if alive && keep(topic) {
			names = append(names, topic)
		}
	}
	slices.Sort(names)
	return names
}

// brokerNames lists the brokers that are known to live.
func (g *registry) brokerNames() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Sorted(maps.Keys(g.addrs))
}

// wipe takes or gives back a broker's write permission in all routes and counts its topics.
func (g *registry) wipe(broker string, wiped bool) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.wiped[broker] = wiped
	n := 0
	for _, on := range g.topics {
		if _, ok := on[broker]; ok {
			n++
		}
	}
	return n
}
