package actors

import (
	"context"
	"errors"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// betweenPasses is how long connections that were in the middle of a frame have to get out of it.
const betweenPasses = 5 * time.Millisecond

// HandOver offers one connection after another to give, until each has been moved or cannot be, or the context ends,
// or give returns an error. A connection stands still while give has it. The descriptors of a connection belong to give
// when it returns HandedOver or HandOverInDoubt; after HandOverRefused they are the connection's again.
//
// Connections that stand in the middle of a frame are tried again a moment later.
func (p *Proxy) HandOver(ctx context.Context, give func(*messages.HandedOverConnection) (messages.HandOverOutcome, error)) (moved int, err error) {
	h := &handOver{proxy: p, give: give, over: map[string]bool{}, answers: make(chan any, 1)}
	h.asker = p.env.System.Root.Spawn(actor.PropsFromFunc(h.receive))
	defer p.env.System.Root.Stop(h.asker)
	for again := true; again && err == nil; {
		if again, err = h.pass(ctx); again && err == nil {
			select {
			case <-ctx.Done():
				return h.moved, nil
			case <-time.After(betweenPasses):
			}
		}
	}
	return h.moved, err
}

// handOver is one call of HandOver. Its actor asks one connection at a time.
type handOver struct {
	proxy   *Proxy
	give    func(*messages.HandedOverConnection) (messages.HandOverOutcome, error)
	moved   int
	over    map[string]bool // connections that are not asked again, by id
	asker   *actor.PID
	answers chan any // of the connection that is asked: Parcel or NotNow, and ended

	asked *actor.PID // the actor's own
}

// askNext has the actor ask a connection; ended tells that it is gone; leaveAlone that it goes on.
type (
	askNext    struct{ connection *actor.PID }
	ended      struct{ connection *actor.PID }
	leaveAlone struct{}
)

// receive watches the connection that it asks: one that ends drops what it was asked.
func (h *handOver) receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *askNext:
		h.asked = m.connection
		ctx.Watch(m.connection)
		ctx.Request(m.connection, &messages.HandOver{})
	case *actor.Terminated: // it overtakes what the connection may have answered before
		ctx.Send(ctx.Self(), &ended{m.Who})
	case *ended:
		if h.asked != nil && h.asked.Id == m.connection.Id {
			h.answers <- m
		}
	case *messages.HandedOverConnection, *messages.NotNow:
		h.answers <- m
	case *leaveAlone:
		ctx.Unwatch(h.asked)
		h.asked = nil
	}
}

// pass tries each connection once and reports whether another pass may do more.
func (h *handOver) pass(ctx context.Context) (again bool, err error) {
	for _, pid := range h.proxy.list(ctx) {
		if ctx.Err() != nil {
			return false, nil
		}
		if h.over[pid.Id] {
			continue
		}
		retry, err := h.one(pid)
		if err != nil {
			return false, err
		}
		again = again || retry
	}
	return again, nil
}

// one hands one connection over and returns when that is decided. retry: another moment may do.
func (h *handOver) one(pid *actor.PID) (retry bool, err error) {
	root := h.proxy.env.System.Root
	root.Send(h.asker, &askNext{pid})
	outcome := messages.HandOverInDoubt
	switch m := (<-h.answers).(type) { // it answers, or it ends
	case *messages.NotNow:
		h.over[pid.Id] = m.Never
		root.Send(h.asker, &leaveAlone{})
		return !m.Never, nil
	case *messages.HandedOverConnection:
		outcome, err = h.give(m)
	default:
		return false, nil
	}
	h.over[pid.Id] = true
	switch outcome {
	case messages.HandOverRefused:
		root.Send(pid, &messages.HandOverAborted{})
		root.Send(h.asker, &leaveAlone{})
		return false, err
	case messages.HandedOver:
		h.moved++
		root.Send(pid, &messages.HandOverDone{})
	default:
		root.Stop(pid)
	}
	<-h.answers // it has ended
	return false, err
}

// ShareListeners returns another descriptor of each listening socket; also beside an error, which is about the others.
func (p *Proxy) ShareListeners(ctx context.Context) (all []messages.SharedListener, err error) {
	var errs []error
	for _, l := range p.Tree().Listeners {
		answer, err := p.ask(ctx, &messages.ShareListeners{Listener: l.Name})
		shared, ok := answer.(*messages.SharedListeners)
		if !ok {
			errs = append(errs, listenerGone(l.Name, err))
			continue
		}
		if shared.Err != nil {
			errs = append(errs, shared.Err)
		}
		for _, d := range shared.List {
			d.Listener = l.Name
			all = append(all, d)
		}
	}
	return all, errors.Join(errs...)
}

// Offer tells why a connection of another process would not be adopted; nil: it would.
func (p *Proxy) Offer(ctx context.Context, s *messages.ConnectionState) error {
	if _, ok := p.env.Transport.(transport.Sharing); !ok {
		return errors.New("this system cannot adopt connections")
	}
	_, err := p.ask(ctx, &messages.Offer{State: s})
	return err
}

// Adopt goes on with a connection of another process, which must no longer touch it. The descriptors belong to the
// proxy: after an error they are closed.
func (p *Proxy) Adopt(ctx context.Context, s *messages.ConnectionState, client int, upstreams []int) error {
	sharing := p.env.Transport.(transport.Sharing)
	m := &messages.Adopt{State: s, Conn: sharing.Adopt(client, nil)}
	for _, fd := range upstreams {
		m.Upstreams = append(m.Upstreams, sharing.Adopt(fd, m.Conn.Executor()))
	}
	_, err := p.ask(ctx, m)
	if err != nil && ctx.Err() == nil { // else the actors have it, or it is discarded with its letter
		system.Discard(m)
	}
	return err
}
