package server

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

const (
	// answerPatience: connections answer within microseconds, unless they have just ended.
	answerPatience = 5 * time.Second
	// lifeSign is how often a connection that does not answer is looked at.
	lifeSign = 20 * time.Millisecond
	// betweenPasses is how long connections that were in the middle of a frame have to get out of it.
	betweenPasses = 5 * time.Millisecond
)

// handOver gives one connection after another to a successor, until none is left that can be given, or half of the
// time is over. Each stands still for the moment that it is on its way. It reports false when stopNow came.
func (s *Server) handOver(deadline time.Time, stopNow <-chan struct{}) bool {
	line, err := s.heir.callSuccessor()
	if err != nil {
		s.log.Warn("draining: cannot reach a successor; clients have to connect again", "hand_over", s.config().HandOver, "error", err)
	}
	if line == nil {
		return true
	}
	defer line.close()
	s.log.Info("draining: handing connections over", s.counts("to_process", line.pid)...)
	begun := time.Now()
	h := &handing{s: s, line: line, never: map[string]bool{}}
	half := time.Now().Add(time.Until(deadline) / 2)
	for time.Now().Before(half) && h.pass() {
		if !sleep(betweenPasses, stopNow) {
			return false
		}
	}
	s.log.Info("draining: handed over", s.counts("handed_over", h.moved, "after", time.Since(begun).Round(time.Millisecond))...)
	return true
}

// handing is one hand-over.
type handing struct {
	s     *Server
	line  *line
	moved int
	never map[string]bool // connections that stay, by the ids of their actors
}

// pass tries each connection once and reports whether another pass may do more.
func (h *handing) pass() (again bool) {
	for _, id := range h.s.connectionIDs() {
		if h.never[id] {
			continue
		}
		retry, err := h.one(id)
		if err != nil {
			h.s.log.Error("draining: the hand-over broke off; clients that are left have to connect again", "error", err)
			return false
		}
		again = again || retry
	}
	return again
}

// one hands one connection over. retry: another moment may do. An error is one of the line.
func (h *handing) one(id string) (retry bool, err error) {
	root, pid := h.s.env.System.Root, h.s.env.System.NewLocalPID(id)
	var p *messages.Parcel
	switch m := h.askConnection(pid).(type) {
	case *messages.Parcel:
		p = m
	case *messages.NotNow:
		h.never[id] = m.Never
		return !m.Never, nil
	default: // it has ended
		h.never[id] = true
		return false, nil
	}
	refused, err := h.line.give(p)
	if err != nil || refused != "" {
		h.never[id] = true
		root.Send(pid, &messages.Stay{})
		if refused != "" {
			h.s.log.Warn("draining: the successor does not take a connection", "listener", p.State.Listener, "broker", p.State.Broker.String(), "reason", refused)
		}
		return false, err
	}
	closeFD(p.Client)
	closeFD(p.Upstream)
	root.Send(pid, &messages.Moved{})
	h.moved++
	return true, nil
}

// askConnection returns a connection's answer, or nil. One that ends drops what it was asked without a word, so its
// life is looked at while it is waited for.
func (h *handing) askConnection(pid *actor.PID) any {
	future := h.s.env.System.Root.RequestFuture(pid, &messages.HandOver{}, answerPatience)
	answered := make(chan any, 1)
	go func() {
		answer, _ := future.Result()
		answered <- answer
	}()
	look := time.NewTicker(lifeSign)
	defer look.Stop()
	for {
		select {
		case answer := <-answered:
			return answer
		case <-look.C:
			if _, alive := h.s.env.System.ProcessRegistry.GetLocal(pid.Id); !alive {
				return nil
			}
		}
	}
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
	var errs []error
	for _, ln := range s.env.Tree().Listeners {
		answer, err := s.ask(ln.Name, &messages.ShareDoors{})
		doors, ok := answer.(*messages.Doors)
		if err != nil || !ok {
			errs = append(errs, fmt.Errorf("listener %s does not answer: %w", ln.Name, err))
			continue
		}
		for _, d := range doors.List {
			errs = append(errs, l.send(sharedDoor{Listener: ln.Name, Address: d.Address, Broker: d.Broker}, d.FD))
			closeFD(d.FD)
		}
	}
	return errors.Join(append(errs, l.send(sharedDoor{}))...)
}

// adopt takes a connection in and says why not, if it cannot.
func (s *Server) adopt(state *messages.ConnectionState, fds []int) (refused string) {
	sharing, ok := s.env.Transport.(transport.Sharing)
	if len(fds) == 0 || !ok {
		closeAll(fds)
		return "no socket came with it"
	}
	m := &messages.Adopt{State: state, Conn: sharing.Adopt(fds[0], nil)}
	if len(fds) > 1 {
		m.Upstream = sharing.Adopt(fds[1], m.Conn.Executor())
	}
	answer, err := s.ask(state.Listener, m)
	if _, ok := answer.(*messages.Adopted); ok {
		return ""
	}
	m.Conn.Close()
	if m.Upstream != nil {
		m.Upstream.Close()
	}
	if r, ok := answer.(*messages.Refused); ok {
		return r.Why
	}
	return fmt.Sprintf("there is no listener %s: %v", state.Listener, err)
}

// ask asks a listener's actor.
func (s *Server) ask(listener string, m any) (any, error) {
	pid := actor.NewPID(s.top.Address, actors.Root+"/listener/"+listener)
	return s.env.System.Root.RequestFuture(pid, m, answerPatience).Result()
}
