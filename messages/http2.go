package messages

import (
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// HTTP2 brings a connection whose client speaks gRPC, or TLS on a port without a certificate, to its listener. Whoever has it
// closes Conn, which ends the connection.
type HTTP2 struct {
	Conn   net.Conn // with what was read of it
	TLS    bool
	Client *GRPCClient
}

// Discard is for a message whose receiver is gone.
func (m *HTTP2) Discard() { m.Conn.Close() }

// GRPCClient is what is known of the client at the other end of a connection of gRPC. It may be used from any goroutine.
type GRPCClient struct {
	Now            func() int64 // the process clock
	Received, Sent atomic.Int64 // bytes

	mu       sync.Mutex
	id       string
	language string
	version  string
	group    string
	topics   []string
	calls    int   // that have not ended, streams left out
	heard    int64 // when a call began or ended
}

// Called notes that a call has begun, and what it says of its client.
func (c *GRPCClient) Called(id, language, version string, stream bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = c.Now()
	keep(&c.id, id)
	keep(&c.language, language)
	keep(&c.version, version)
	if !stream {
		c.calls++
	}
}

// maxText bounds what a client says of itself, in bytes.
const maxText = 256

// keep notes a text of a client, without the request that it is a part of.
func keep(into *string, text string) {
	if text = text[:min(len(text), maxText)]; text != *into {
		*into = strings.Clone(text)
	}
}

// Ended notes that a call which was no stream has ended.
func (c *GRPCClient) Ended() {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls--
	c.heard = c.Now()
}

// Idle reports that no call is under way, but for streams.
func (c *GRPCClient) Idle() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls == 0
}

// maxShown bounds the topics of a client that are kept to be shown.
const maxShown = 100

// Uses notes which group and topics a client has said that it works with.
func (c *GRPCClient) Uses(group string, topics []string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.group, c.topics = group, slices.Clone(topics[:min(len(topics), maxShown)])
}

// Describe fills in what is known of a client.
func (c *GRPCClient) Describe(r *ClientReport, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r.ClientID, r.Language, r.ClientVersion, r.Group, r.Topics, r.InFlight = c.id, c.language, c.version, c.group, c.topics, c.calls
	if r.Idle = r.Age; c.heard != 0 {
		r.Idle = float64((now-c.heard)/1e6) / 1e3
	}
}
