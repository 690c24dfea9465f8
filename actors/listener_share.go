package actors

import (
	"fmt"
	"net"
	"strconv"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// portKey finds a port for a connection that comes from another process.
type portKey struct {
	role   messages.Role
	broker route.BrokerID
}

// open opens a listening socket: one that a predecessor has handed over, else one of our own.
func (l *listener) open(address string) (transport.Listener, error) {
	sharing, can := l.env.Transport.(transport.Sharing)
	if l.Inherit != nil && can {
		if fd, ok := l.Inherit(address); ok {
			return sharing.Inherit(fd)
		}
	}
	switch {
	case !l.ReusePort:
		return l.env.Transport.Listen(address)
	case !can:
		return nil, fmt.Errorf("cannot share %s with another process (listener.reuse_port): this system is not supported", address)
	}
	return sharing.ListenShared(address)
}

// closeDoors ends accepting. Who has connected already is taken in.
func (l *listener) closeDoors() {
	l.closing = true
	l.opened.Store(false)
	for _, ln := range l.doors() {
		transport.Retire(ln)
	}
}

// doors are all open sockets.
func (l *listener) doors() (all []transport.Listener) {
	if l.nameServer != nil {
		all = append(all, l.nameServer)
	}
	for _, s := range l.slots {
		all = append(all, s.main)
		if s.vip != nil {
			all = append(all, s.vip)
		}
	}
	return all
}

// shareDoors answers with another descriptor of each listening socket.
func (l *listener) shareDoors(ctx actor.Context) {
	m := &messages.Doors{}
	brokers := map[transport.Listener]string{}
	for id, s := range l.slots {
		brokers[s.main] = id.String()
	}
	for _, ln := range l.doors() {
		if fd, err := transport.DuplicateListener(ln); err == nil {
			address := net.JoinHostPort(l.host(), strconv.Itoa(int(ln.Addr().Port())))
			m.List = append(m.List, messages.Door{Address: address, Broker: brokers[ln], FD: fd})
		}
	}
	ctx.Respond(m)
}

// adopt takes in a connection of another process.
func (l *listener) adopt(ctx actor.Context, m *messages.Adopt) {
	port := l.ports[portKey{m.State.Role, m.State.Broker}]
	if port == nil || l.closing {
		ctx.Respond(&messages.Refused{Why: fmt.Sprintf("listener %s has no open port for %s %s", l.Name, m.State.Role, m.State.Broker)})
		return
	}
	ctx.Send(l.connections, &messages.Adopt{Conn: m.Conn, Upstream: m.Upstream, State: m.State, Port: port})
	ctx.Respond(&messages.Adopted{})
}
