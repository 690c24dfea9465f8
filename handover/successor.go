package handover

import (
	"context"
	"fmt"
	"net"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// Successor is the process that has taken the path over, while this one drains.
type Successor struct {
	PID  int // the process id
	conn *conn
	// version is the one that both speak.
	version int
	// forget ends the watch over the context of Endpoint.Successor.
	forget func() bool
}

// VersionError is about a process that speaks a version of the protocol too far from ours.
type VersionError struct{ Theirs int }

func (e *VersionError) Error() string {
	return fmt.Sprintf("it speaks version %d of the hand-over protocol, and this proxy versions %d to %d; upgrade in smaller steps to keep connections",
		e.Theirs, Version-1, Version+1)
}

// Successor connects to the process that has the path now; nil when there is none, or it is this one. From now on the
// path is not taken back.
// When ctx ends, so does the connection: a successor that stands still does not hold a drain up.
func (e *Endpoint) Successor(ctx context.Context) (*Successor, error) {
	if e == nil {
		return nil, nil
	}
	e.letPathGo()
	c, hi, err := e.dial(ctx)
	if c == nil {
		return nil, err
	}
	version, ok := common(hi.Version)
	if !ok {
		c.close()
		return nil, &VersionError{hi.Version}
	}
	return &Successor{PID: hi.PID, conn: c, version: version, forget: context.AfterFunc(ctx, c.close)}, nil
}

// Close ends the hand-over.
func (s *Successor) Close() {
	s.forget()
	s.conn.close()
}

// Give offers a connection. refused says why the successor does not take it. An error is one of the connection between
// the two processes: nothing more can be given. Descriptors that are no longer this process's are closed.
func (s *Successor) Give(p *messages.HandedOverConnection) (outcome messages.HandOverOutcome, refused string, err error) {
	fds := append([]int{p.Client}, p.Upstreams...)
	switch {
	case s.version < 2 && p.State.OnePort != nil:
		return messages.HandOverRefused, fmt.Sprintf("version %d of the hand-over protocol has no links", s.version), nil
	case len(fds) > mostDescriptors:
		return messages.HandOverRefused, fmt.Sprintf("it has %d sockets, and at most %d can be handed over", len(fds), mostDescriptors), nil
	}
	if err := s.conn.send(request{State: &p.State, Version: s.version}, fds...); err != nil {
		return messages.HandOverRefused, "", err // it has not got all of it
	}
	var r reply
	if _, err := s.conn.receive(&r); err != nil {
		return messages.HandOverRefused, "", err // the word to start was not sent, and will not be
	}
	if r.Refused != "" {
		return messages.HandOverRefused, r.Refused, nil
	}
	outcome = messages.HandedOver
	if err = s.conn.send(request{Start: true}); err != nil {
		outcome = messages.HandOverInDoubt
	}
	closeAll(fds)
	return outcome, "", err
}

// dial connects to the process that has the path; nil when there is none, or it is this one.
func (e *Endpoint) dial(ctx context.Context) (*conn, *hello, error) {
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: e.path, Net: "unix"})
	switch {
	case err != nil && unowned(err):
		return nil, nil, nil
	case err != nil:
		return nil, nil, fmt.Errorf("cannot reach the proxy at hand_over = %q: %w", e.path, err)
	}
	c, hi := &conn{nc: nc, timeout: messageTimeout}, &hello{}
	defer context.AfterFunc(ctx, c.close)()
	if _, err := c.receive(hi); err != nil {
		c.close()
		return nil, nil, fmt.Errorf("cannot talk to the proxy at hand_over = %q: %w", e.path, err)
	}
	if hi.ID == e.id {
		c.close()
		return nil, nil, nil
	}
	return c, hi, nil
}
