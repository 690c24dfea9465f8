package listener

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// Open opens a port of l with its handshake. The caller owns the listener. An error names neither: the caller does.
func Open(e *env.Env, l *Listener, address string) (transport.Listener, error) {
	ln, err := socket(e, l, address)
	if err != nil {
		return nil, err
	}
	return l.Handshake.Wrap(ln), nil
}

// socket opens a listening socket: one that a predecessor has handed over, else one of our own.
func socket(e *env.Env, l *Listener, address string) (transport.Listener, error) {
	sharing, can := e.Transport.(transport.Sharing)
	if l.Inherit != nil && can {
		if fd, ok := l.Inherit(address); ok {
			return sharing.Inherit(fd)
		}
	}
	switch {
	case !l.ReusePort:
		return e.Transport.Listen(address)
	case !can:
		return nil, fmt.Errorf("cannot share %s with another process (listener.reuse_port): this system is not supported", address)
	}
	return sharing.ListenShared(address)
}

// stopAccepting ends accepting. Connections that the kernel has completed already are accepted.
func (l *listener) stopAccepting() {
	l.closing = true
	l.live().shut.Store(true)
	l.closed()
	if l.cancel != nil {
		l.cancel()
	}
	for _, ln := range l.sockets() {
		transport.Retire(ln)
	}
}

// drain lets all connections go; the top supervisor hears when none is left.
func (l *listener) drain(ctx actor.Context, m *messages.Drain) {
	l.stopAccepting()
	l.letGoGRPC(ctx)
	if l.connections == nil { // it waits for its time to open
		ctx.Send(ctx.Self(), &emptied{})
		return
	}
	ctx.Send(l.connections, m)
}

// shareListeners answers with another descriptor of each listening socket.
func (l *listener) shareListeners(ctx actor.Context) {
	m := &messages.SharedListeners{}
	brokers := map[transport.Listener]string{}
	for id, p := range l.brokers {
		if p.main != nil {
			brokers[p.main] = id.String()
		}
	}
	for _, ln := range l.sockets() {
		address := net.JoinHostPort(l.host(), strconv.Itoa(int(ln.Addr().Port())))
		fd, err := transport.DuplicateListener(ln)
		switch {
		case errors.Is(err, errors.ErrUnsupported): // no socket of this system can be shared
			continue
		case err != nil: // such as for want of descriptors: a successor without the port could not open it
			m.Err = errors.Join(m.Err, fmt.Errorf("cannot share %s: %w", address, err))
			continue
		}
		m.List = append(m.List, messages.SharedListener{Address: address, Broker: brokers[ln], FD: fd})
	}
	ctx.Respond(m)
}

// offered answers whether a connection of another process would be adopted.
func (l *listener) offered(ctx actor.Context, m *messages.Offer) {
	if _, rejected := l.takes(m.State); rejected != nil {
		ctx.Respond(rejected)
		return
	}
	ctx.Respond(&messages.Adopted{})
}

// takes is the port for a connection of another process, or why there is none.
func (l *listener) takes(s *messages.ConnectionState) (*messages.Port, *messages.Rejected) {
	port := l.portOf(s)
	if l.closing || port == nil {
		return nil, &messages.Rejected{Reason: fmt.Sprintf("listener %s has no open port for %s %s", l.Name, s.Role, s.Broker)}
	}
	if s.OnePort == nil {
		return port, nil
	}
	for _, link := range s.OnePort.Links {
		if _, _, ok := port.FindBroker(link.Broker); !ok && link.Broker.Name != "" {
			return nil, &messages.Rejected{Reason: fmt.Sprintf("listener %s knows no broker %s", l.Name, link.Broker)}
		}
	}
	return port, nil
}

// adopt goes on with a connection of another process.
func (l *listener) adopt(ctx actor.Context, m *messages.Adopt) {
	port, rejected := l.takes(m.State)
	if rejected != nil {
		ctx.Respond(rejected)
		return
	}
	ctx.Send(l.connections, &messages.Adopt{Conn: m.Conn, Upstreams: m.Upstreams, State: m.State, Port: port})
	ctx.Respond(&messages.Adopted{})
}

// portOf is the port that stands for the same as the one on which another process accepted a connection; nil: none.
func (l *listener) portOf(s *messages.ConnectionState) *messages.Port {
	for _, o := range l.open {
		if p := o.port.Load(); p.Role == s.Role && p.Broker == s.Broker {
			return p
		}
	}
	return nil
}
