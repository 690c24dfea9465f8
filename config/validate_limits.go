package config

import (
	"fmt"
	"strconv"
)

// limits keeps to what the protocol can express: 31 bits for the length of a frame, 24 for that of a header.
func (c *checker) limits() {
	l := &c.cfg.Limits
	c.sizeWithin("limits.max_frame", l.MaxFrame, 2*GiB-1)
	c.sizeWithin("limits.max_header", l.MaxHeader, 16*MiB-1)
	c.sizeWithin("limits.buffer_per_connection", l.BufferPerConnection, 2*GiB-1)
	if l.MaxHeader > l.MaxFrame && l.MaxFrame > 0 {
		c.add("limits.max_header", quote(l.MaxHeader.String()), fmt.Sprintf("must not be larger than limits.max_frame, which is %s: a frame contains its header", l.MaxFrame),
			"lower it, or raise limits.max_frame", "limits.max_frame")
	}
	c.memory()
	c.count("limits.connections_per_listener", l.ConnectionsPerListener)
	c.count("limits.connections_per_address", l.ConnectionsPerAddress)
	c.count("limits.requests_per_connection", l.RequestsPerConnection)
	if most := l.ConnectionsPerListener; most > 0 && l.ConnectionsPerAddress > most {
		c.add("limits.connections_per_address", strconv.Itoa(l.ConnectionsPerAddress),
			fmt.Sprintf("must not be larger than limits.connections_per_listener, which is %d", most),
			"lower it, or raise limits.connections_per_listener", "limits.connections_per_listener")
	}
}

// leastMemory is what an idle process needs; below it Go would collect garbage all the time.
const leastMemory = 32 * MiB

// memory checks the two sizes for which zero means automatic.
func (c *checker) memory() {
	l := &c.cfg.Limits
	if l.Memory != 0 && l.Memory < leastMemory {
		c.add("limits.memory", quote(l.Memory.String()), fmt.Sprintf("is less than the process needs, which is %s", leastMemory),
			`raise it, or write "0B" for what the container or the machine has`)
	}
	switch most := l.Memory; {
	case l.BufferTotal == 0:
	case l.BufferTotal < l.BufferPerConnection:
		c.add("limits.buffer_total", quote(l.BufferTotal.String()),
			fmt.Sprintf("must not be less than limits.buffer_per_connection, which is %s", l.BufferPerConnection),
			`raise it, or write "0B" for a quarter of limits.memory`, "limits.buffer_per_connection")
	case most >= leastMemory && l.BufferTotal > most/2:
		c.add("limits.buffer_total", quote(l.BufferTotal.String()),
			fmt.Sprintf("must not be more than half of limits.memory, which is %s", most),
			"lower it, or raise limits.memory", "limits.memory")
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
	c.from0("timeouts.connection_age", t.ConnectionAge, "for no limit")
	c.from0("timeouts.one_port", t.OnePort, "to wait as long as brokers take")
}

func (c *checker) sizeWithin(key string, size, most Size) {
	if size <= 0 || size > most {
		c.add(key, quote(size.String()), fmt.Sprintf("must be a size from 1B to %dB", int64(most)), "choose a size in between")
	}
}

// count checks a limit that 0 switches off.
func (c *checker) count(key string, n int) {
	if n < 0 {
		c.add(key, strconv.Itoa(n), "must not be negative", "write a number from 1, or 0 for no limit")
	}
}
