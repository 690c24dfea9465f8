package embedded

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Message is a copy of a stored message.
type Message struct {
	Topic      string
	Queue      int32
	Offset     int64 // in its queue
	ID         string
	Body       []byte // shared with the broker: read only
	Properties map[string]string
	SysFlag    int32
	Reconsumed int32
	BornHost   string
	StoredAt   time.Time
}

// Client is a member of groups on one connection.
type Client struct {
	ID        string
	Addr      string // of the connection's far end
	Language  string
	Version   int32
	Consumers []string // groups, sorted
	Producers []string
}

// Messages are what the broker's name still has of a topic, oldest first.
func (b *Broker) Messages(topic string) []Message {
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	var found []Message
	for _, rec := range b.set.store.log {
		if rec.topic == topic {
			found = append(found, Message{
				Topic: rec.topic, Queue: rec.queue, Offset: rec.queueOffset, ID: rec.id(),
				Body: rec.body, Properties: rec.properties.toMap(), SysFlag: rec.sysFlag, Reconsumed: rec.reconsumed,
				BornHost: rec.bornHost.String(), StoredAt: time.UnixMilli(rec.storedAt),
			})
		}
	}
	return found
}

// count is how many messages of a topic are there; Messages would be too slow to ask again and again.
func (b *Broker) count(topic string) (n int) {
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	if t := b.set.topics[topic]; t != nil {
		for _, q := range t.queues {
			n += len(q.records)
		}
	}
	return n
}

// WaitMessages waits until a topic has at least n messages and returns them.
func (b *Broker) WaitMessages(ctx context.Context, topic string, n int) ([]Message, error) {
	if err := b.seen.signal.wait(ctx, func() bool { return b.count(topic) >= n }); err != nil {
		return nil, fmt.Errorf("topic %s of %s has %d of %d messages: %w", topic, b.Name(), b.count(topic), n, err)
	}
	return b.Messages(topic), nil
}

// Memory is about how many bytes the messages of the broker's name take.
func (b *Broker) Memory() int64 {
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	return b.set.store.used
}

// Offset is what a consumer group has committed for a queue; ok is false when it has not.
func (b *Broker) Offset(group, topic string, queue int32) (offset int64, ok bool) {
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	offset, ok = b.set.offsets[offsetKey{group, topic, queue}]
	return offset, ok
}

// WaitOffset waits until a consumer group has committed at least this offset for a queue.
func (b *Broker) WaitOffset(ctx context.Context, group, topic string, queue int32, offset int64) error {
	var at int64
	err := b.seen.signal.wait(ctx, func() bool {
		at, _ = b.Offset(group, topic, queue)
		return at >= offset
	})
	if err != nil {
		return fmt.Errorf("group %s is at %d of %d in queue %d of %s: %w", group, at, offset, queue, topic, err)
	}
	return nil
}

// Members are the client ids of a consumer group, sorted.
func (b *Broker) Members(group string) []string {
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	if g := b.members.consumers[group]; g != nil {
		return g.ids()
	}
	return nil
}

// WaitMembers waits until a consumer group has exactly n members and returns their client ids.
func (b *Broker) WaitMembers(ctx context.Context, group string, n int) ([]string, error) {
	var ids []string
	err := b.seen.signal.wait(ctx, func() bool {
		ids = b.Members(group)
		return len(ids) == n
	})
	if err != nil {
		return ids, fmt.Errorf("group %s has members %q instead of %d: %w", group, ids, n, err)
	}
	return ids, nil
}

// Clients are the clients that have sent a heartbeat, by the age of their connections.
func (b *Broker) Clients() []Client {
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	who := make(map[*connection]*member)
	groups := make(map[*connection]*Client)
	note := func(m *member) *Client {
		if groups[m.conn] == nil {
			who[m.conn] = m
			groups[m.conn] = &Client{ID: m.clientID, Addr: m.conn.peer.String(), Language: m.language.String(), Version: m.version}
		}
		return groups[m.conn]
	}
	for name, g := range b.members.consumers {
		for _, m := range g.members {
			c := note(m)
			c.Consumers = append(c.Consumers, name)
		}
	}
	for name, g := range b.members.producers {
		for _, m := range g {
			c := note(m)
			c.Producers = append(c.Producers, name)
		}
	}
	clients := []Client{}
	for _, m := range sortedMembers(who) {
		c := groups[m.conn]
		slices.Sort(c.Consumers)
		slices.Sort(c.Producers)
		clients = append(clients, *c)
	}
	return clients
}

// WaitClients waits until exactly n clients are registered and returns them.
func (b *Broker) WaitClients(ctx context.Context, n int) ([]Client, error) {
	var clients []Client
	err := b.seen.signal.wait(ctx, func() bool {
		clients = b.Clients()
		return len(clients) == n
	})
	if err != nil {
		return clients, fmt.Errorf("%s has %d clients instead of %d: %w", b.Name(), len(clients), n, err)
	}
	return clients, nil
}

// Topics are the names of the topics of the broker's name, sorted.
func (b *Broker) Topics() []string {
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	return slices.Sorted(maps.Keys(b.set.topics))
}
