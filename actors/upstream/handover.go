package upstream

import (
	"errors"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// releaseSocket gives the socket away, between two frames of the upstream only. The connection forwards nothing until it
// has restored it.
func (u *upstream) releaseSocket(link uint16) {
	m := &messages.SocketReleased{Link: link, FD: -1}
	switch {
	case u.state == idle:
		u.stopTimer()
		m.OK = true
	case u.state == open && u.swallow == 0:
		fd, err := transport.Detach(u.sock)
		if m.OK = err == nil; m.OK {
			m.FD, u.sock, u.state = fd, nil, idle
		}
		m.Never = errors.Is(err, errors.ErrUnsupported)
	}
	u.up.Deliver(m)
}

// returnSocket takes the socket back.
func (u *upstream) returnSocket(fd int) {
	switch {
	case fd >= 0:
		u.sock, u.state = u.env.Transport.(transport.Sharing).Adopt(fd, u.client.Executor()), open
		u.sock.Start(&u.self)
	case u.replay != nil && u.state == idle:
		u.begin()
	}
}

// take goes on with the socket of another process, on which the client is registered already.
func (u *upstream) take(sock transport.Conn, address string) {
	u.sock, u.address, u.state = sock, address, open
	sock.Start(&u.self)
	u.up.Deliver(&messages.Opened{Epoch: u.epoch, Upstream: address, Adopted: true})
}
