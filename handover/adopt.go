package handover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// Proxy is what a hand-over needs of the proxy; actors.Proxy is one.
type Proxy interface {
	// ShareListeners returns another descriptor of each listening socket, which belongs to the caller.
	ShareListeners(ctx context.Context) ([]messages.SharedListener, error)
	// Offer returns why a connection would not be adopted; nil: it would.
	Offer(ctx context.Context, s *messages.ConnectionState) error
	// Adopt goes on with a connection. It owns the descriptors, also after an error; those of upstreams are in the order of the
	// links.
	Adopt(ctx context.Context, s *messages.ConnectionState, client int, upstreams []int) error
}

// answerTimeout is how long the proxy may take to answer.
const answerTimeout = 2 * time.Second

// serve answers one process: a successor that starts asks for the listening sockets, and a predecessor that drains
// offers connections.
func (e *Endpoint) serve(p Proxy, c *conn) {
	t := &taking{proxy: p, conn: c, log: e.log, keeps: e.keeps, adopted: map[string]int{}}
	defer c.close()
	defer t.end()
	if err := c.send(hello{ID: e.id, PID: os.Getpid(), Version: Version}); err != nil {
		return
	}
	for {
		var r request
		fds, err := c.receive(&r)
		lost := errors.Is(err, errDescriptorsLost)
		if errors.Is(err, io.EOF) || err != nil && !t.begun() && !lost { // that was all, or another process has only looked (answered)
			return
		}
		if err == nil || lost && r.State != nil { // an offer without its sockets is refused, and the next one may do
			err = t.handle(&r, fds, err)
		}
		if err != nil {
			e.log.Warn("hand-over interrupted", "error", err)
			return
		}
	}
}

// taking is one hand-over as the successor sees it.
type taking struct {
	proxy    Proxy
	conn     *conn
	log      *slog.Logger
	keeps    func() json.RawMessage // nil: nothing
	accepted *offer                 // waits for the word to start; nil: none
	adopted  map[string]int
	refused  int
}

// offer is a connection that is still the predecessor's.
type offer struct {
	state *messages.ConnectionState
	fds   []int
}

// handle does what a request asks for. lost: sockets of an offer did not arrive.
func (t *taking) handle(r *request, fds []int, lost error) error {
	switch {
	case r.Start:
		closeAll(fds)
		return t.start()
	case t.accepted != nil:
		closeAll(fds)
		return errors.New("a connection was accepted, and the predecessor does not say start")
	case r.State != nil:
		return t.offered(r, fds, lost)
	}
	closeAll(fds)
	return t.share()
}

// offered accepts a connection, or says why not.
func (t *taking) offered(r *request, fds []int, lost error) error {
	refused := t.refusal(r, fds, lost)
	if refused == "" {
		t.accepted = &offer{r.State, fds}
	} else {
		t.refused++
		closeAll(fds)
	}
	return t.conn.send(reply{Refused: refused})
}

func (t *taking) refusal(r *request, fds []int, lost error) string {
	switch {
	case r.Version < Version-1 || r.Version > Version:
		return fmt.Sprintf("version %d of the hand-over protocol is unknown", r.Version)
	case lost != nil:
		return lost.Error()
	case len(fds) == 0:
		return "no socket came with it"
	}
	if slices.ContainsFunc(fds, func(fd int) bool { return !tcpConnection(fd) }) {
		return "what came with it is not a TCP connection"
	}
	if !r.State.Agrees(len(fds) - 1) {
		return fmt.Sprintf("%d sockets came with it, which is not what its state says", len(fds))
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if err := t.proxy.Offer(ctx, r.State); err != nil {
		return err.Error()
	}
	return ""
}

// start goes on with the connection that was accepted: from here on only this process has it.
func (t *taking) start() error {
	o := t.accepted
	if o == nil {
		return errors.New("the predecessor says start, and no connection was accepted")
	}
	t.accepted = nil
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	if err := t.proxy.Adopt(ctx, o.state, o.fds[0], o.fds[1:]); err != nil {
		t.log.Warn("cannot adopt an accepted connection", "listener", o.state.Listener, "error", err)
		t.refused++
		return nil
	}
	t.adopted[o.state.Listener]++
	return nil
}

// share sends each listening socket, and an empty one at the end, with what could not be shared.
func (t *taking) share() error {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	all, missing := t.proxy.ShareListeners(ctx)
	errs := []error{missing}
	for _, d := range all {
		errs = append(errs, t.conn.send(listener{Listener: d.Listener, Address: d.Address, Broker: d.Broker}, d.FD))
		closeFD(d.FD)
	}
	end := listener{}
	if t.keeps != nil {
		end.Kept = t.keeps()
	}
	if missing != nil {
		end.Error = missing.Error()
	}
	return errors.Join(append(errs, t.conn.send(end))...)
}

func (t *taking) begun() bool { return t.accepted != nil || t.refused+len(t.adopted) > 0 }

// end closes what was accepted and never started, and logs one line when something was handed over.
func (t *taking) end() {
	if t.accepted != nil {
		closeAll(t.accepted.fds)
		t.accepted = nil
		t.refused++
	}
	if !t.begun() {
		return
	}
	sum, each := 0, []any{}
	for _, name := range slices.Sorted(maps.Keys(t.adopted)) {
		sum += t.adopted[name]
		each = append(each, slog.Int(name, t.adopted[name]))
	}
	t.log.Info("connections adopted", "count", sum, "refused", t.refused, slog.Group("listeners", each...))
}
