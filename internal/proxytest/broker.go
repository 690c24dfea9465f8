package proxytest

import (
	"bufio"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// FakeBroker is a broker or a name server that does what a test says. Its connections go to [FakeBroker.Accept], or are
// served by a function from [FakeBroker.Answers] or [FakeBroker.Plays] on.
type FakeBroker struct {
	T       testing.TB
	Address string

	listen   func(address string) (ln acceptor, actual string, err error)
	sim      bool
	conns    chan net.Conn // accepted, and nobody's yet
	ended    chan struct{} // with the test
	ln       acceptor
	mu       sync.Mutex
	prologue func(nc net.Conn) net.Conn // takes off what comes before the first frame; nil: nothing does
	play     func(nc net.Conn)          // serves a connection; nil: the test accepts
	answer   Answerer
	got      []*codec.Command
	open     []net.Conn
	received atomic.Int64
}

// acceptor is what of a listening socket a fake broker needs.
type acceptor interface {
	each(f func(net.Conn)) // until it is closed
	Close()
}

// tcp is a TCP socket as an acceptor.
type tcp struct{ net.Listener }

func (l tcp) Close() { l.Listener.Close() }

func (l tcp) each(f func(net.Conn)) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		f(nc)
	}
}

// NewFakeBroker starts one on a free TCP port.
func NewFakeBroker(t testing.TB) *FakeBroker {
	t.Helper()
	return NewFakeBrokerAt(t, "127.0.0.1:0")
}

// NewFakeBrokerAt starts one at a TCP address.
func NewFakeBrokerAt(t testing.TB, address string) *FakeBroker {
	t.Helper()
	f := &FakeBroker{T: t, Address: address, listen: func(address string) (acceptor, string, error) {
		ln, err := net.Listen("tcp", address)
		if err != nil {
			return nil, "", err
		}
		return tcp{ln}, ln.Addr().String(), nil
	}}
	t.Cleanup(func() { f.Close() })
	f.start()
	return f
}

// FakeBroker starts one at an address of the network.
func (n *Network) FakeBroker(t testing.TB, address string) *FakeBroker {
	t.Helper()
	f := &FakeBroker{T: t, Address: address, sim: true, listen: func(address string) (acceptor, string, error) {
		p, err := n.listen(address)
		return p, address, err
	}}
	f.start()
	return f
}

func (f *FakeBroker) start() {
	f.T.Helper()
	f.conns, f.ended = make(chan net.Conn, 1000), make(chan struct{})
	f.T.Cleanup(func() { close(f.ended) })
	f.Restart()
}

// Restart has it listen again at its address.
func (f *FakeBroker) Restart() {
	f.T.Helper()
	var err error
	f.ln, f.Address, err = f.listen(f.Address)
	require.NoError(f.T, err)
	go f.ln.each(func(nc net.Conn) {
		f.mu.Lock()
		f.open = append(f.open, nc)
		f.mu.Unlock()
		f.conns <- nc
	})
}

// Close stops accepting: the broker is down for those who dial. Accepted connections live on.
func (f *FakeBroker) Close() { f.ln.Close() }

// Crash ends it and all its connections.
func (f *FakeBroker) Crash() {
	f.Close()
	f.HangUp()
	if f.sim {
		synctest.Wait()
	}
}

// Conns are the connections that have been accepted, in their order. Where a function answers, they are those that are
// open.
func (f *FakeBroker) Conns() []net.Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.open)
}

// Accept returns the next connection.
func (f *FakeBroker) Accept() *Client {
	f.T.Helper()
	select {
	case nc := <-f.conns:
		return NewClient(f.T, nc)
	case <-time.After(Patience):
		require.Fail(f.T, "nobody connects to the fake broker")
		return nil
	}
}

// Waiting counts the connections that the test has not accepted.
func (f *FakeBroker) Waiting() int { return len(f.conns) }

// Handshake takes off what comes before the first frame of new connections.
func (f *FakeBroker) Handshake(prologue func(nc net.Conn) net.Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prologue = prologue
}

// Answers has a function answer each request from now on, on one goroutine for each connection, until the test ends.
func (f *FakeBroker) Answers(answer Answerer) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = answer
	f.playBy(f.answerAll)
}

// Plays has a function serve each connection from now on, on a goroutine of its own; when it returns the connection is
// closed. Connections that are there are closed.
func (f *FakeBroker) Plays(play func(nc net.Conn)) {
	f.mu.Lock()
	f.playBy(play)
	f.mu.Unlock()
	f.HangUp()
}

func (f *FakeBroker) playBy(play func(nc net.Conn)) {
	if f.play == nil {
		go f.serveAll()
	}
	f.play = play
}

// HangUp closes all connections.
func (f *FakeBroker) HangUp() {
	for _, nc := range f.Conns() {
		nc.Close()
	}
}

// Received is how many bytes have come, where a function serves.
func (f *FakeBroker) Received() int64 { return f.received.Load() }

func (f *FakeBroker) serveAll() {
	for {
		select {
		case nc := <-f.conns:
			go f.serve(nc)
		case <-f.ended:
			return
		}
	}
}

func (f *FakeBroker) serve(nc net.Conn) {
	defer func() {
		nc.Close()
		f.mu.Lock()
		f.open = slices.DeleteFunc(f.open, func(c net.Conn) bool { return c == nc })
		f.mu.Unlock()
	}()
	f.mu.Lock()
	prologue, play := f.prologue, f.play
	f.mu.Unlock()
	var inner net.Conn = counted{nc, &f.received}
	if prologue != nil {
		inner = prologue(inner)
	}
	play(inner)
}

func (f *FakeBroker) answerAll(nc net.Conn) {
	for r := bufio.NewReaderSize(nc, 64<<10); ; {
		c, _, err := codec.ReadCommand(r, codec.Limits{})
		if err != nil {
			return
		}
		f.mu.Lock()
		f.got = append(f.got, c)
		answer := f.answer
		f.mu.Unlock()
		if c.IsResponse() || c.IsOneway() {
			continue
		}
		if a := answer(c); a != nil {
			if _, err := nc.Write(Frame(a)); err != nil {
				return
			}
		}
	}
}

// Answering serves a connection of [FakeBroker.Plays]: it answers each request with bytes.
func Answering(answer func(request *codec.Command) []byte) func(nc net.Conn) {
	return func(nc net.Conn) {
		for {
			c, _, err := codec.ReadCommand(nc, codec.Limits{})
			if err != nil {
				return
			}
			if _, err := nc.Write(answer(c)); err != nil {
				return
			}
		}
	}
}

// counted counts what is read.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

// Requests takes what it has been asked so far, where a function answers.
func (f *FakeBroker) Requests() []*codec.Command {
	if f.sim {
		synctest.Wait()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.got
	f.got = nil
	return got
}
