package config

import (
	"fmt"
	"strconv"
)

// limits keeps to what the wire can say: a frame's length has 31 bits, a header's 24.
func (c *checker) limits() {
	l := &c.cfg.Limits
	c.sizeWithin("limits.max_frame", l.MaxFrame, 2*GiB-1)
	c.sizeWithin("limits.max_header", l.MaxHeader, 16*MiB-1)
	c.sizeWithin("limits.buffer_per_connection", l.BufferPerConnection, 2*GiB-1)
	if l.MaxHeader > l.MaxFrame && l.MaxFrame > 0 {
		c.add("limits.max_header", quote(l.MaxHeader.String()), fmt.Sprintf("a header is a part of its frame, and limits.max_frame is %s", l.MaxFrame),
			"make it no larger than limits.max_frame", "limits.max_frame")
	}
	c.memory()
	c.count("limits.connections_per_listener", l.ConnectionsPerListener)
	c.count("limits.connections_per_address", l.ConnectionsPerAddress)
	c.count("limits.requests_per_connection", l.RequestsPerConnection)
	if most := l.ConnectionsPerListener; most > 0 && l.ConnectionsPerAddress > most {
		c.add("limits.connections_per_address", strconv.Itoa(l.ConnectionsPerAddress),
			fmt.Sprintf("limits.connections_per_listener is %d, so no address can have as many", most),
			"make it no larger than limits.connections_per_listener", "limits.connections_per_listener")
	}
}

// leastMemory is what a process needs that does nothing; Go would collect garbage without end below it.
const leastMemory = 32 * MiB

// memory checks the two sizes that may be zero.
func (c *checker) memory() {
	l := &c.cfg.Limits
	if l.Memory != 0 && l.Memory < leastMemory {
		c.add("limits.memory", quote(l.Memory.String()), "the process cannot live in that",
			fmt.Sprintf(`write a size from %s, or "0B" for what the container or the machine has`, leastMemory))
	}
	switch most := l.Memory; {
	case l.BufferTotal == 0:
	case l.BufferTotal < l.BufferPerConnection:
		c.add("limits.buffer_total", quote(l.BufferTotal.String()),
			fmt.Sprintf("one connection alone may have %s (limits.buffer_per_connection)", l.BufferPerConnection),
			`make it larger, or write "0B" for a quarter of limits.memory`, "limits.buffer_per_connection")
	case most >= leastMemory && l.BufferTotal > most/2:
		c.add("limits.buffer_total", quote(l.BufferTotal.String()),
			fmt.Sprintf("the rest of the process needs memory as well, and limits.memory is %s", most),
			"make it no larger than half of limits.memory", "limits.memory")
	}
}

func (c *checker) timeouts() {
	t := &c.cfg.Timeouts
	c.above0("timeouts.dial", t.Dial)
	c.above0("timeouts.handshake", t.Handshake)
	c.above0("timeouts.idle", t.Idle)
	c.above0("timeouts.first_byte", t.FirstByte)
	c.above0("timeouts.header", t.Header)
	c.above0("timeouts.write_stall", t.WriteStall)
	c.above0("timeouts.name_server", t.NameServer)
	if t.ConnectionAge < 0 {
		c.add("timeouts.connection_age", quote(shortDuration(t.ConnectionAge)), "must not be negative", `write "0s" for no limit, or a duration such as "1h"`)
	}
}

func (c *checker) sizeWithin(key string, size, most Size) {
	if size <= 0 || size > most {
		c.add(key, quote(size.String()), "it is out of bounds", fmt.Sprintf("write a size from 1B to %dB", most))
	}
}

// count checks a limit that 0 takes away.
func (c *checker) count(key string, n int) {
	if n < 0 {
		c.add(key, strconv.Itoa(n), "nothing can be fewer than none", "write a number from 1, or 0 for no limit")
	}
}
