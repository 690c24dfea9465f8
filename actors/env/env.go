// Package env holds what all actors of one proxy share: the runtime, the transport, the settings by which they work, and
// where they count.
package env

import (
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Env is what all actors of one proxy share. Once the tree stands only a reload changes something in it: the settings,
// as a whole.
type Env struct {
	*system.Runtime
	Transport  transport.Transport
	Recorders  map[transport.Executor]*stats.Recorder // one for each executor; the map never changes
	Rejections *stats.Rejections
	Malformed  system.Sampler // lines about malformed frames
	Broken     system.Sampler // lines about client connections that broke

	settings atomic.Pointer[Settings]
}

// linesOfClients is how many lines there may be of each kind that a client can bring about, of all clients together.
const linesOfClients = 50

// New makes what the actors of one proxy share. giveUp is [system.Runtime.GiveUp].
func New(t transport.Transport, log *slog.Logger, settings Settings, giveUp func(error)) *Env {
	e := &Env{Runtime: system.NewRuntime(log, giveUp), Transport: t, Rejections: stats.NewRejections(log), Recorders: map[transport.Executor]*stats.Recorder{}}
	for _, x := range e.executors() {
		e.Recorders[x] = &stats.Recorder{}
	}
	e.Malformed.Lines, e.Broken.Lines = linesOfClients, linesOfClients
	e.Adjust(settings)
	return e
}

// Settings are the numbers to work by now.
func (e *Env) Settings() *Settings { return e.settings.Load() }

// Adjust replaces the settings; zero values become defaults.
func (e *Env) Adjust(s Settings) {
	s = s.withDefaults()
	e.settings.Store(&s)
}

// executors are those of the transport and, for clients under TLS, the one of sockets without a loop.
func (e *Env) executors() []transport.Executor {
	all := e.Transport.Executors()
	if x := transport.Executor(transport.Inline{}); !slices.Contains(all, x) {
		all = append(all, x)
	}
	return all
}

// Rejected is what the handshake of a listener calls for each connection that it closes.
func (e *Env) Rejected(listener string) func(transport.Rejection) {
	return func(m transport.Rejection) { e.Rejections.Handshake(listener, m, e.Now()) }
}
