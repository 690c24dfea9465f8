// Package transport moves bytes between sockets and their owners, in chunks.
//
// The unit of flow is the [Chunk]: what one read returned, with the list of the frames that begin in it. An owner
// gets chunks and the other events of its socket through a [Sink], one call at a time, and writes by [Conn.Write], which
// never blocks: what does not fit into the socket is kept and written later.
//
// # Back-pressure
//
// A chunk is counted: an owner that keeps a part of it (a write that did not fit) holds a reference, and a connection
// reads on only while the chunks that it has handed out and not got back are below its window. So a slow reader makes
// the other side's socket stop being read, nothing is dropped, and memory per connection stays below the window.
//
// That is the bound for one connection. All of them together have a [Budget]: above it a connection is read only while
// none of its chunks is out, and in small pieces. Slow consumers are throttled first; fast ones are barely affected, and
// nothing is dropped.
//
// # Implementations
//
// [New] makes the best transport of the system. [Loops], on Linux, is one epoll event loop for each core, which also runs
// the actors of its sockets: an idle client costs neither a stack nor a buffer, and what a socket brings runs through to
// the write without a switch. Where the system has io_uring, all receives of a round of the loop are one system call, and all
// sends ([IOUring]).
//
// [Net] works on goroutines, for other systems and for sockets that are not the kernel's: one reads, another one
// exists only while something is kept. An idle connection on a kernel socket holds no buffer.
//
// TLS runs on goroutines, also beside loops: what belongs to its sockets runs inline. A plain client on a loop may have
// an upstream under TLS; then the actors stay on the loop, and so does the release of the client's chunks.
//
// # Before the first frame
//
// [DownstreamHandshake] is what a client sends before its frames, a PROXY header and then TLS; [UpstreamHandshake] sends
// the same to brokers.
//
// # Restart
//
// A transport that is [Sharing] gives its sockets to another process, and takes them: [DuplicateListener], [Retire] and
// [Detach] on one side, Inherit and Adopt on the other.
//
// Loops and Net are tested by the same tests.
package transport

import (
	"net/netip"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Sink receives the events of a socket: a *Chunk, *Connected, *Drained or *Closed. Deliver must not block.
type Sink interface {
	Deliver(event any)
}

// LocalSink is a Sink whose owner runs on the executor of its socket, and may get events as they come.
type LocalSink interface {
	Sink
	// DeliverInline is Deliver for callers on the socket's executor, between two events: the owner runs before it returns.
	DeliverInline(event any)
}

// Connected says that a dial has succeeded.
type Connected struct{ Conn Conn }

// Drained says that all has gone out of what was kept because a write did not fit.
type Drained struct{ Conn Conn }

// Closed is a socket's last event. It is not sent after the owner's own Close. When a write fails it comes after what
// has arrived.
type Closed struct {
	Conn Conn
	Err  error // io.EOF when the peer has finished, else the reason; never nil
}

// Conn is one socket. Its methods belong to one owner, and none of them blocks.
type Conn interface {
	// Start begins to read; events go to sink from now on.
	Start(sink Sink)
	// Write writes b after everything written before. b lies in owner, which Write retains for as long as it keeps
	// a part of b; with a nil owner b belongs to the connection from now on. Writes before Connected are kept.
	Write(b []byte, owner *Chunk)
	// Kept is the number of bytes that were written but have not gone out.
	Kept() int
	// Flow is how its traffic stands, to find peers that are too slow.
	Flow() Flow
	// Close closes the socket at once and ends its events; without loops one that is on its way may still come. What
	// has been written and is not kept reaches the peer.
	Close()
	// Local and Remote are the socket's addresses. They are valid from the beginning, for a dialed connection from Connected
	// on, and stay so after its end, also if the peer has reset it at once; 0.0.0.0:0 is one that is no longer known.
	Local() netip.AddrPort
	Remote() netip.AddrPort
	// Executor runs what belongs to this socket. A dispatcher of its actors schedules there.
	Executor() Executor
}

// Flow is how the traffic of a socket stands.
type Flow struct {
	Partial int   // bytes of an incomplete header that wait for the rest; 0 while the socket is not being read
	Kept    int   // bytes that were written but have not gone out
	Drained int64 // bytes that went out after they had been kept; while it does not move, the peer takes nothing
}

// Executor runs functions where the events of some sockets run: one after another on an event loop, or right away
// where there are none. Executors can be compared.
type Executor interface {
	Schedule(fn func())
}

// Inline is the executor of sockets without a loop.
type Inline struct{}

// Schedule runs fn at once.
func (Inline) Schedule(fn func()) { fn() }

// Listener is an open listening socket. What it accepts goes to the sink as *Accepted.
type Listener interface {
	// Accept starts accepting for sink and ends an earlier accepting for another one.
	Accept(sink Sink)
	// SetPaused stops listening, or goes on. Meanwhile the system refuses connections, at once and without our accepting
	// first, and the port stays ours. Where the system cannot do that, connections wait in its queue.
	SetPaused(paused bool) error
	Addr() netip.AddrPort
	Close()
}

// Accepted is a new connection that is not read yet: Start or Close it.
type Accepted struct{ Conn Conn }

// Discard is for an event whose receiver is gone. A socket that has not been started may be closed anywhere.
func (a *Accepted) Discard() { a.Conn.Close() }

// AcceptEnded says that the listener was closed and that no further Accepted comes.
type AcceptEnded struct{}

// AcceptFailed says that accepting failed for a reason that may pass, as too many open files; it goes on by itself.
type AcceptFailed struct{ Err error }

// Dialer opens connections.
type Dialer interface {
	// Dial begins to connect to address, host:port, and returns at once. The outcome goes to sink, as Connected or
	// Closed.
	Dial(address string, d Downstream, sink Sink) Conn
}

// Downstream is the client that an upstream connection works for: a socket of its own, or one of several that
// share a connection. The zero value is nobody, as with the connections to name servers.
type Downstream struct {
	On     Executor       // where both are served: on the same loop where there are loops; nil: anywhere
	Client netip.AddrPort // what a PROXY header calls the client's address; invalid: there is no client
	Local  netip.AddrPort // the address that the client has reached
}

// Client is what an upstream connection can work for: a Conn, or something that shares one with others.
type Client interface {
	Executor() Executor     // where its events run
	Remote() netip.AddrPort // its address
	Local() netip.AddrPort  // the address that it has reached
}

// DownstreamOf is the downstream that c is.
func DownstreamOf(c Client) Downstream { return Downstream{c.Executor(), c.Remote(), c.Local()} }

// Transport makes sockets. As a Dialer it dials plain TCP.
type Transport interface {
	Dialer
	// Listen opens a listening socket on host:port; port 0 is any free one.
	Listen(address string) (Listener, error)
	// Towards returns a dialer that begins connections with a PROXY header, TLS, or both.
	Towards(u UpstreamHandshake) Dialer
	// Executors are all that its connections run on, but for those under TLS: these have Inline everywhere.
	Executors() []Executor
	// Tune replaces limits, window and dial timeout for connections and dials from now on.
	Tune(limits codec.Limits, window int, dialTimeout time.Duration)
	Budget
}

// Budget is the memory that everything together may use that grows with what peers send: the chunks of all connections,
// which the transport counts by itself, and what the owners keep. A budget of 0 counts, and has room for everything.
//
// There are two ways to count what is kept. Reserve asks first, for what stays: a heartbeat, a handshake. Hold is for
// what is many and short, as requests in flight; it only counts, so ask Over before more is taken on.
type Budget interface {
	// Reserve takes n bytes; Release gives them back. It reports false, and takes none, when more than half of the
	// budget would be reserved: what stays must not make all reading slow. Safe from everywhere.
	Reserve(n int) bool
	// Release gives back n bytes that Reserve has taken. Safe from everywhere.
	Release(n int)
	// Hold counts n bytes more, or -n less, that belong to what runs on an executor. It must be called there, and costs a
	// loop no more than an addition.
	Hold(on Executor, n int)
	// Over reports that the budget is used up: take on nothing more. Safe from everywhere.
	Over() bool
	// Buffered is about how many bytes are counted, reserved ones included, and how often reading from a connection was
	// paused because they were too many.
	Buffered() (bytes int64, pauses uint64)
}
