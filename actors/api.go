package actors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Proxy is the face of one proxy's actors: all that the rest of the program may ask of them. No actor's address leaves
// it, and none of its methods is called by an actor. Methods may be called from any goroutine.
//
// What can take a while has a context. When that ends, the call returns and the actors go on with what they were
// asked for.
type Proxy struct {
	env *Env
	top *actor.PID
}

// NewProxy makes a proxy without a tree. giveUp is called when an actor that everything
// depends on cannot be kept alive: the process must end.
func NewProxy(t transport.Transport, log *slog.Logger, settings Settings, giveUp func(error)) *Proxy {
	return &Proxy{env: NewEnv(t, log, settings, giveUp)}
}

// InjectFaults has actors panic when Fault says so. It comes before Start; tests call it.
func (p *Proxy) InjectFaults() { p.env.InjectFaults() }

// Fault makes the actor with an id, as /actors shows it, panic if faults are injected.
func (p *Proxy) Fault(id, reason string) { p.env.Fault(id, reason) }

// Start spawns the tree. It may be called once.
func (p *Proxy) Start(tree *Tree) (err error) {
	p.top, err = p.env.Start(tree)
	return err
}

// Stop stops the tree and returns when all of it is gone.
func (p *Proxy) Stop() error { return p.env.Stop(p.top) }

// Tree is the present tree.
func (p *Proxy) Tree() *Tree { return p.env.Tree() }

// Statistics outlive every actor and every revision of the tree.
func (p *Proxy) Statistics() *Statistics { return p.env.Tree().Stats }

// Settings are the numbers that the actors work by now; Adjust replaces them.
func (p *Proxy) Settings() *Settings { return p.env.Settings() }

// Now is the process clock, by which actors tell time, in nanoseconds.
func (p *Proxy) Now() int64 { return p.env.Now() }

// Adjust replaces the settings.
func (p *Proxy) Adjust(s Settings) { p.env.Adjust(s) }

// Listen opens a port of l beforehand, for a Revision.
func (p *Proxy) Listen(l *Listener, address string) (transport.Listener, error) {
	return p.env.Listen(l, address)
}

// Rejected returns what a listener's handshake calls for each connection that it closes.
func (p *Proxy) Rejected(listener string) func(transport.Rejection) { return p.env.Rejected(listener) }

// Revise carries a revision out and returns when sockets are where they belong. Draining goes on after that.
func (p *Proxy) Revise(r *Revision) error { return p.env.Revise(p.top, r) }

// Reloaded has the clusters look again and forget what is gone, after a configuration was read, changed or not.
func (p *Proxy) Reloaded() { p.env.System.Root.Send(p.top, &messages.Reloaded{}) }

// Tell sends a message to the actor with an id, as /actors shows it. Tests break things with it.
func (p *Proxy) Tell(id string, message any) {
	p.env.System.Root.Send(p.env.System.NewLocalPID(id), message)
}

// StopAccepting closes all listening sockets; connections that the system has completed are accepted. Nothing is opened again.
func (p *Proxy) StopAccepting() { p.env.System.Root.Send(p.top, &messages.StopAccepting{}) }

// Drain lets all connections go, as [messages.Drain] says, and returns when none is left: nil, or the context's error.
func (p *Proxy) Drain(ctx context.Context, order *messages.Drain) error {
	_, err := p.ask(ctx, order)
	return err
}

// errNoAnswer is what a question comes to whose receiver is gone.
var errNoAnswer = errors.New("no answer")

// ask sends a question to the top supervisor and returns the first answer.
func (p *Proxy) ask(ctx context.Context, question any) (any, error) {
	answers := make(chan any, 1)
	pid := p.hear(func(message any) (more bool) {
		answers <- message
		return false
	})
	defer p.env.System.Root.Stop(pid)
	p.env.System.Root.RequestWithCustomSender(p.top, question, pid)
	select {
	case answer := <-answers:
		return checked(answer)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// checked makes an error of what is no answer.
func checked(answer any) (any, error) {
	switch m := answer.(type) {
	case *actor.DeadLetterResponse:
		return nil, errNoAnswer
	case *messages.Rejected:
		return nil, errors.New(m.Reason)
	}
	return answer, nil
}

// hear spawns an actor that passes what is sent to it on to f, until f wants no more or the actor is stopped.
func (p *Proxy) hear(f func(message any) (more bool)) *actor.PID {
	over := false
	return p.env.System.Root.Spawn(actor.PropsFromFunc(func(ctx actor.Context) {
		switch m := ctx.Message().(type) {
		case *actor.Started, *actor.Stopping, *actor.Stopped:
		default:
			if !over && !f(m) {
				over = true
				ctx.Stop(ctx.Self())
			}
		}
	}))
}

// Live lists the ids of all live actors whose ids begin with prefix.
func (p *Proxy) Live(prefix string) []string { return p.env.Actors(prefix) }

// listenerGone is the error of a question about a listener that does not answer.
func listenerGone(name string, err error) error { return fmt.Errorf("listener %q: %w", name, err) }
