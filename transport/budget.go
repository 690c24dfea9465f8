package transport

import "sync/atomic"

// holding is what the chunks of all sockets of a transport hold, the partial headers that wait beside them, what was
// reserved, and what owners hold.
//
// Most chunks are given back before anybody else could care, so there is no shared counter for each: a loop
// adds up for itself and reports when its sum has moved by a good deal, or when it rests, a goroutine reports what is still out when it
// would read on.
type holding struct {
	bytes    atomic.Int64 // all
	reserved atomic.Int64 // of them
	pauses   atomic.Uint64
}

// maxUnreported is by how many bytes a loop's sum may differ from what it has reported.
const maxUnreported = 256 << 10

// unreported keeps the error small beside a small budget.
func unreported(budget, loops int) int {
	if budget <= 0 {
		return maxUnreported
	}
	return min(maxUnreported, budget/(8*loops))
}

// Over is part of Budget. Over it, only those connections are read that hold nothing.
func (t *Net) Over() bool {
	return t.Budget > 0 && t.held.bytes.Load() >= int64(t.Budget)
}

// Buffered is part of Budget.
func (t *Net) Buffered() (bytes int64, pauses uint64) {
	return t.held.bytes.Load(), t.held.pauses.Load()
}

// Reserve is part of Budget.
func (t *Net) Reserve(n int) bool {
	if reserved := t.held.reserved.Add(int64(n)); n > 0 && t.Budget > 0 && reserved > int64(t.Budget/2) {
		t.held.reserved.Add(int64(-n))
		return false
	}
	t.held.bytes.Add(int64(n))
	return true
}

// Release is part of Budget.
func (t *Net) Release(n int) { t.Reserve(-n) }

// Hold is part of Budget.
func (t *Net) Hold(_ Executor, n int) { t.held.bytes.Add(int64(n)) }

// usualHeader is how many bytes of an incomplete header are read whatever the budget says: more than the headers of
// clients have. Longer ones wait, which their sender's header timeout does not.
const usualHeader = 16 << 10

// readable reports that a socket may be read that has so many bytes of chunks out, and so many of an incomplete header.
func (t *Net) readable(handed, partial, window int) bool {
	return handed == 0 && partial <= usualHeader || handed < window && !t.Over()
}

// pieces is the size of the buffer to read with, given the one that fits the peer.
func (t *Net) pieces(size int) int {
	if t.Over() {
		return minBuffer
	}
	return size
}
