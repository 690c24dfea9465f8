package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// wire is one connection of a bare client: requests in flight, answers in any order. Stock clients find out in 20 or
// 30 seconds what this one does at once, so that a minute holds many outages.
type wire struct {
	nc     net.Conn
	ledger *ledger

	mu      sync.Mutex
	opaque  int32
	waiting map[int32]*asked
	thawed  chan struct{} // not nil: nothing is read until it is closed
	ended   chan struct{}
}

var errEnded = errors.New("the connection ended")

func dialWire(ctx context.Context, address string, l *ledger) (*wire, error) {
	var dialer net.Dialer
	nc, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	w := &wire{nc: nc, ledger: l, waiting: make(map[int32]*asked), ended: make(chan struct{})}
	go w.read()
	return w, nil
}

func (w *wire) read() {
	defer close(w.ended)
	for {
		w.mu.Lock()
		thawed := w.thawed
		w.mu.Unlock()
		if thawed != nil {
			<-thawed
		}
		a, err := harness.ReadAnswer(w.nc)
		if err != nil {
			if errors.Is(err, harness.ErrNoFrame) {
				w.ledger.violate("%s sent garbage: %v", w.nc.RemoteAddr(), err)
			}
			w.nc.Close()
			return
		}
		if a.Flag&1 == 0 {
			continue // the broker asks or tells something by itself
		}
		w.mu.Lock()
		waits := w.waiting[a.Opaque]
		delete(w.waiting, a.Opaque)
		w.mu.Unlock()
		if waits == nil {
			w.ledger.violate("%s sent an answer that nobody waits for, or a second one: opaque %d, code %d %s", w.nc.RemoteAddr(), a.Opaque, a.Code, a.Remark)
			continue
		}
		waits.answer <- a
	}
}

// asked is a request that waits for its answer.
type asked struct {
	code   int
	opaque int32
	at     time.Duration // since the round began
	answer chan *harness.Answer
}

// ask sends a request; the answer comes, unless the connection ends.
func (w *wire) ask(code int, fields map[string]string, body []byte) (*asked, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.opaque++
	frame, err := harness.RequestFrame(code, w.opaque, fields, body)
	if err != nil {
		return nil, err
	}
	waits := &asked{code: code, opaque: w.opaque, at: time.Since(w.ledger.begun), answer: make(chan *harness.Answer, 1)}
	w.waiting[w.opaque] = waits
	_ = w.nc.SetWriteDeadline(time.Now().Add(answerPatience)) // an error comes with the write as well
	if _, err := w.nc.Write(frame); err != nil {
		w.nc.Close() // the frame may be cut
		return nil, err
	}
	return waits, nil
}

// answerPatience is how long a bare client waits for an answer. It is no time-out: every fault that loses an answer
// ends with the loss of the broker's connections, so that the proxy has to answer, or to end the connection.
const answerPatience = time.Minute

// stepPatience is how long a step takes at most that may be tried again.
const stepPatience = 5 * time.Second

// await waits for an answer that was asked for.
func (w *wire) await(waits *asked, patience time.Duration) (*harness.Answer, error) {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case a := <-waits.answer:
		return a, nil
	case <-w.ended:
		select {
		case a := <-waits.answer:
			return a, nil
		default:
			return nil, errEnded
		}
	case <-late.C:
		w.ledger.violate("%s neither answered a request (code %d, opaque %d, sent after %.3f s) nor ended the connection %s within %s",
			w.nc.RemoteAddr(), waits.code, waits.opaque, waits.at.Seconds(), w.nc.LocalAddr(), patience)
		return nil, fmt.Errorf("no answer within %s", patience)
	}
}

// over reports that the connection has ended.
func (w *wire) over() bool {
	select {
	case <-w.ended:
		return true
	default:
		return false
	}
}

func (w *wire) call(code int, fields map[string]string, body []byte) (*harness.Answer, error) {
	waits, err := w.ask(code, fields, body)
	if err != nil {
		return nil, err
	}
	return w.await(waits, answerPatience)
}

// kill ends the connection by a reset, as the death of a client does that has not read everything.
func (w *wire) kill() {
	if tcp, ok := w.nc.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // an error means that it has ended already
	}
	w.nc.Close()
}

// killWithin is a kill when a share of a request has been written.
func (w *wire) killWithin(code int, fields map[string]string, body []byte, share float64) {
	w.mu.Lock()
	_ = w.nc.SetWriteDeadline(time.Now().Add(time.Second)) // an error comes with the write as well
	if frame, err := harness.RequestFrame(code, w.opaque+1, fields, body); err == nil {
		_, _ = w.nc.Write(frame[:int(share*float64(len(frame)))]) // an error means that it has ended already
	}
	w.mu.Unlock()
	w.kill()
}

// freeze makes the client read no further answer until thaw is called.
func (w *wire) freeze() (thaw func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.thawed != nil {
		return func() {}
	}
	thawed := make(chan struct{})
	w.thawed = thawed
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.thawed = nil
		close(thawed)
	}
}
