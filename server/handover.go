package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// handOver gives one connection after another to a successor, until none is left that can be given, or half of the
// time is over. Each stands still for the moment that it is on its way.
func (s *Server) handOver(ctx context.Context) {
	line, err := s.heir.callSuccessor()
	if err != nil {
		s.log.Warn("draining: cannot reach a successor; clients have to connect again", "hand_over", s.config().HandOver, "error", err)
	}
	if line == nil {
		return
	}
	defer line.close()
	s.log.Info("draining: handing connections over", s.counts("to_process", line.pid)...)
	begun := time.Now()
	deadline, _ := ctx.Deadline()
	ctx, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	moved, err := s.proxy.HandOver(ctx, func(p *messages.Parcel) (actors.Outcome, error) { return s.give(line, p) })
	if err != nil {
		s.log.Error("draining: the hand-over broke off; clients that are left have to connect again", "error", err)
	}
	s.log.Info("draining: handed over", s.counts("handed_over", moved, "after", time.Since(begun).Round(time.Millisecond))...)
}

// give hands one connection over. An error is one of the line.
func (s *Server) give(line *line, p *messages.Parcel) (actors.Outcome, error) {
	refused, err := line.give(p)
	if refused != "" {
		s.log.Warn("draining: the successor does not take a connection", "listener", p.State.Listener, "broker", p.State.Broker.String(), "reason", refused)
	}
	if err != nil || refused != "" {
		return actors.Stays, err
	}
	closeFD(p.Client)
	closeFD(p.Upstream)
	return actors.Moved, nil
}

// receive serves a predecessor or successor on one line: it is asked for the listening sockets by a process that
// starts, and given connections by one that ends.
func (s *Server) receive(l *line) {
	defer l.close()
	taken := takings{listeners: map[string]int{}}
	defer taken.tell(s.log)
	if err := l.send(hello{ID: s.heir.id, PID: os.Getpid()}); err != nil {
		return
	}
	for {
		var ask request
		fds, err := l.receive(&ask)
		switch {
		case errors.Is(err, io.EOF) || err != nil && !taken.begun(): // that was all, or somebody has only looked (keepPath)
			return
		case err != nil:
		case ask.State == nil:
			err = s.sendDoors(l)
		default:
			refused := s.adopt(ask.State, fds)
			taken.add(ask.State.Listener, refused)
			err = l.send(reply{Refused: refused})
		}
		if err != nil {
			s.log.Warn("a hand-over broke off", "error", err)
			return
		}
	}
}

// takings are the connections of one hand-over that were taken in, and those that were not.
type takings struct {
	listeners map[string]int
	refused   int
}

func (k *takings) add(listener, refused string) {
	if refused != "" {
		k.refused++
		return
	}
	k.listeners[listener]++
}

func (k *takings) begun() bool { return k.refused+len(k.listeners) > 0 }

// tell logs one line when somebody has handed something over.
func (k *takings) tell(log *slog.Logger) {
	if !k.begun() {
		return
	}
	sum, each := 0, []any{}
	for _, name := range slices.Sorted(maps.Keys(k.listeners)) {
		sum += k.listeners[name]
		each = append(each, slog.Int(name, k.listeners[name]))
	}
	log.Info("connections were taken over", "connections", sum, "refused", k.refused, slog.Group("listeners", each...))
}

// sendDoors sends each listening socket, and an empty one at the end.
func (s *Server) sendDoors(l *line) error {
	ctx, cancel := context.WithTimeout(context.Background(), answerPatience)
	defer cancel()
	doors, err := s.proxy.ShareListeners(ctx)
	errs := []error{err}
	for _, d := range doors {
		errs = append(errs, l.send(sharedDoor{Listener: d.Listener, Address: d.Address, Broker: d.Broker}, d.FD))
		closeFD(d.FD)
	}
	return errors.Join(append(errs, l.send(sharedDoor{}))...)
}

// adopt takes a connection in and says why not, if it cannot.
func (s *Server) adopt(state *messages.ConnectionState, fds []int) (refused string) {
	if len(fds) == 0 {
		return "no socket came with it"
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerPatience)
	defer cancel()
	if err := s.proxy.Offer(ctx, state); err != nil {
		closeAll(fds)
		return err.Error()
	}
	upstream := -1
	if len(fds) > 1 {
		upstream = fds[1]
	}
	if err := s.proxy.Adopt(ctx, state, fds[0], upstream); err != nil {
		return err.Error()
	}
	return ""
}
