package messages

import "sync/atomic"

// Expected is how many bytes of large answers all clients of one broker wait for: what requests of the last moment are
// expected to bring, and what clients that do not read have outstanding. Everybody may change and read it. It forgets by
// itself, so that nobody needs a timer for a request that a broker holds.
type Expected struct {
	slots [expectedSlots]atomic.Uint64 // of short times: which one, and the bytes of its requests
	stuck atomic.Int64
}

const (
	expectedSlots = 8
	slotBits      = 24 // a slot is 2^24 ns, 17 ms: a request is forgotten after 117 to 134 ms
	bytesBits     = 40
	bytesMask     = 1<<bytesBits - 1
)

// Add counts n bytes of the answer to a request that was passed on at a time of the process clock.
func (e *Expected) Add(at, n int64) { e.change(at, n, true) }

// Take takes them back: the answer has come, or nobody waits for it.
func (e *Expected) Take(at, n int64) { e.change(at, -n, false) }

func (e *Expected) change(at, n int64, begin bool) {
	slot, number := &e.slots[at>>slotBits%expectedSlots], slotNumber(at)
	for {
		old, bytes := slot.Load(), int64(0)
		switch {
		case old>>bytesBits == number:
			bytes = int64(old & bytesMask)
		case !begin: // it is forgotten
			return
		}
		if slot.CompareAndSwap(old, number<<bytesBits|uint64(max(bytes+n, 0))) {
			return
		}
	}
}

// slotNumber tells slots apart for three days.
func slotNumber(at int64) uint64 { return uint64(at>>slotBits) & (1<<(64-bytesBits) - 1) }

// AddStuck counts n bytes more, or -n less, that a client has outstanding which does not read.
func (e *Expected) AddStuck(n int64) { e.stuck.Add(n) }

// Bytes is all that is expected now, a time of the process clock.
func (e *Expected) Bytes(now int64) int64 {
	sum, number := e.stuck.Load(), slotNumber(now)
	for i := range e.slots {
		if v := e.slots[i].Load(); (number-v>>bytesBits)&(1<<(64-bytesBits)-1) < expectedSlots {
			sum += int64(v & bytesMask)
		}
	}
	return sum
}
