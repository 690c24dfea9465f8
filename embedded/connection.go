package embedded

import (
	"bufio"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// maxQueued is how many bytes may wait to be written to a peer before its requests are left unread.
const maxQueued = 8 << 20

var connectionIDs atomic.Int64

// connection is one TCP connection of a client: one goroutine reads requests and has them handled in order, another
// writes what was queued, so a slow peer blocks no other connection.
type connection struct {
	server *server
	id     int64
	nc     net.Conn
	peer   netip.AddrPort
	vip    bool         // accepted on port-2
	lastIO atomic.Int64 // nanoseconds of the server's clock
	ended  chan struct{}

	mu     sync.Mutex
	cond   sync.Cond // out, queued or closed changed
	out    []outgoing
	queued int
	closed bool
	opaque int32
	calls  map[int32]*call // requests of ours that wait for the client's answer, by opaque
}

// outgoing is bytes to be written.
type outgoing struct {
	bytes []byte
	pace  int  // bytes per second; 0: as fast as it goes
	last  bool // close the connection behind them
}

// call is a request to the client. done gets nil when no answer came.
type call struct {
	done func(*codec.Command)
	stop func() bool
}

func newConnection(s *server, nc net.Conn, vip bool) *connection {
	peer := netip.MustParseAddrPort(nc.RemoteAddr().String())
	c := &connection{
		server: s, id: connectionIDs.Add(1), nc: nc, vip: vip, ended: make(chan struct{}),
		peer:  netip.AddrPortFrom(peer.Addr().Unmap().WithZone(""), peer.Port()),
		calls: make(map[int32]*call),
	}
	c.cond.L = &c.mu
	c.touch()
	return c
}

func (c *connection) touch() { c.lastIO.Store(c.server.clock.Now().UnixNano()) }

// readLoop ends with the connection: at its end, at a malformed frame, and also when the client closes only its
// sending half, which Netty takes for the end of the channel.
func (c *connection) readLoop() {
	defer c.server.wg.Done()
	defer c.server.forget(c)
	defer c.close()
	r := bufio.NewReaderSize(c.nc, 64<<10)
	if waitFirst(r) != nil {
		return
	}
	for c.waitWritten() {
		c.server.waitGate()
		cmd, err := readCommand(r)
		if err != nil {
			return
		}
		c.touch()
		if cmd.IsResponse() {
			c.answered(cmd)
			continue
		}
		c.server.serve(&request{Command: cmd, conn: c})
	}
}

// waitWritten waits until the peer has taken most of its answers; false when the connection is closed.
func (c *connection) waitWritten() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.queued > maxQueued && !c.closed {
		c.cond.Wait()
	}
	return !c.closed
}

// send queues a command as a JSON frame; a default broker answers so whatever it was asked in.
func (c *connection) send(cmd *codec.Command, pace int) {
	c.queue(outgoing{bytes: cmd.Append(nil, codec.JSON), pace: pace})
}

func (c *connection) queue(o outgoing) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.out = append(c.out, o)
	c.queued += len(o.bytes)
	c.cond.Broadcast()
}

func (c *connection) writeLoop() {
	defer c.server.wg.Done()
	for {
		batch := c.take()
		if batch == nil {
			return
		}
		n, last := c.write(batch)
		c.touch()
		c.mu.Lock()
		c.queued -= n
		c.cond.Broadcast()
		c.mu.Unlock()
		if last {
			c.close()
		}
	}
}

// take waits for something to write; nil when the connection is closed.
func (c *connection) take() []outgoing {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.out) == 0 && !c.closed {
		c.cond.Wait()
	}
	if c.closed {
		return nil
	}
	batch := c.out
	c.out = nil
	return batch
}

// write writes a batch in as few writes as its paces allow and returns its length. Errors are the reader's to see.
func (c *connection) write(batch []outgoing) (n int, last bool) {
	var bufs net.Buffers
	for _, o := range batch {
		n += len(o.bytes)
		if o.pace > 0 {
			bufs.WriteTo(c.nc)
			bufs = nil
			c.trickle(o.bytes, o.pace)
		} else {
			bufs = append(bufs, o.bytes)
		}
		if o.last {
			last = true
			break
		}
	}
	bufs.WriteTo(c.nc)
	return n, last
}

// trickle writes b at pace bytes per second, in real time whatever the server's clock says: sockets know no other.
func (c *connection) trickle(b []byte, pace int) {
	const tick = 20 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	step := max(1, pace/int(time.Second/tick))
	for len(b) > 0 {
		n := min(step, len(b))
		if _, err := c.nc.Write(b[:n]); err != nil {
			return
		}
		b = b[n:]
		select {
		case <-ticker.C:
		case <-c.ended:
			return
		}
	}
}

// close ends the connection at once; what is queued is lost. It may be called any number of times.
func (c *connection) close() {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	calls := c.calls
	c.calls = nil
	c.cond.Broadcast()
	c.mu.Unlock()
	if !first {
		return
	}
	close(c.ended)
	c.nc.Close()
	for _, call := range calls {
		call.stop()
		call.done(nil)
	}
}

// reset ends the connection so that the peer sees "connection reset by peer".
func (c *connection) reset() {
	if tcp, ok := c.nc.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	c.close()
}
