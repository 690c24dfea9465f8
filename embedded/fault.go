package embedded

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// AnyCode makes a fault strike requests of every code.
const AnyCode int32 = 0

// Fault is what a server does to a request instead of, or besides, answering it. The functions below make one. It
// strikes every request of its code until it is removed, unless [Fault.Once], [Fault.Times] or [Fault.When] narrow it.
type Fault struct {
	times  int // 0: until removed
	when   func(*codec.Command) bool
	before func(*FaultHandle, *request) bool                 // true: the request is not handled
	after  func(*FaultHandle, *request, *codec.Command) bool // true: the answer is not sent
}

// Once makes the fault strike one request only.
func (f Fault) Once() Fault { return f.Times(1) }

// Times makes the fault strike n requests only.
func (f Fault) Times(n int) Fault {
	f.times = n
	return f
}

// When makes the fault strike only requests for which when is true. It runs on the goroutine that
// reads the connection, and must not keep the command.
func (f Fault) When(when func(*codec.Command) bool) Fault {
	f.when = when
	return f
}

// Hold handles requests and holds their answers back until [FaultHandle.Release] or [FaultHandle.Remove].
func Hold() Fault {
	return Fault{after: func(h *FaultHandle, r *request, answer *codec.Command) bool {
		h.hold(func() { r.conn.send(answer, 0) })
		return true
	}}
}

// Drop reads requests and does nothing with them: they are never handled and never answered.
func Drop() Fault {
	return Fault{before: func(*FaultHandle, *request) bool { return true }}
}

// DropAnswer handles requests and drops the answers: a send is stored, and its producer does not learn of it.
func DropAnswer() Fault {
	return Fault{after: func(*FaultHandle, *request, *codec.Command) bool { return true }}
}

// Delay handles requests at once and sends the answers d later, by the cluster's clock.
func Delay(d time.Duration) Fault {
	return Fault{after: func(_ *FaultHandle, r *request, answer *codec.Command) bool {
		r.conn.server.clock.AfterFunc(d, func() { r.conn.send(answer, 0) })
		return true
	}}
}

// Answer answers with a code and remark and does not handle the request.
func Answer(code int32, remark string) Fault {
	return Fault{before: func(h *FaultHandle, r *request) bool {
		r.fault = nil
		r.answer(&codec.Command{Code: code, Remark: remark})
		return true
	}}
}

// Kill resets the connection that the request came by; the request is not handled.
func Kill() Fault {
	return Fault{before: func(_ *FaultHandle, r *request) bool {
		r.conn.reset()
		return true
	}}
}

// Slow writes the answer at so many bytes per second, in real time. Other answers on that connection wait behind it.
func Slow(bytesPerSecond int) Fault {
	return Fault{after: func(_ *FaultHandle, r *request, answer *codec.Command) bool {
		r.conn.send(answer, max(1, bytesPerSecond))
		return true
	}}
}

// Garbage writes these bytes instead of an answer; the request is not handled.
func Garbage(bytes []byte) Fault {
	return Fault{before: func(_ *FaultHandle, r *request) bool {
		r.conn.queue(outgoing{bytes: bytes})
		return true
	}}
}

// CutAnswer writes the first n bytes of the answer and closes the connection.
func CutAnswer(n int) Fault {
	return Fault{after: func(_ *FaultHandle, r *request, answer *codec.Command) bool {
		frame := answer.Append(nil, codec.JSON)
		r.conn.queue(outgoing{bytes: frame[:min(n, len(frame))], last: true})
		return true
	}}
}
