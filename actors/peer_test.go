package actors_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// peer is one end of a raw connection: a client of the proxy, or what a fake server accepted from it.
type peer struct {
	t      testing.TB
	nc     *net.TCPConn
	r      *bufio.Reader
	opaque int32
}

func dial(t testing.TB, addr string) *peer {
	t.Helper()
	nc, err := net.DialTimeout("tcp", addr, patience)
	require.NoError(t, err)
	return newPeer(t, nc)
}

func newPeer(t testing.TB, nc net.Conn) *peer {
	t.Cleanup(func() { nc.Close() })
	return &peer{t: t, nc: nc.(*net.TCPConn), r: bufio.NewReaderSize(nc, 64<<10)}
}

func (p *peer) local() string { return p.nc.LocalAddr().String() }

func (p *peer) write(b []byte) {
	p.t.Helper()
	p.nc.SetWriteDeadline(time.Now().Add(patience))
	_, err := p.nc.Write(b)
	require.NoError(p.t, err)
}

// send writes a command as JSON. A request without an opaque gets the next one, which is returned.
func (p *peer) send(c *codec.Command) int32 {
	p.t.Helper()
	if c.Opaque == 0 {
		p.opaque++
		c.Opaque = p.opaque
	}
	p.write(frame(c))
	return c.Opaque
}

// request sends a request that wants an answer.
func (p *peer) request(code int32, body string) int32 {
	p.t.Helper()
	return p.send(&codec.Command{Code: code, Version: codec.Version5_5_0, Body: []byte(body)})
}

// answer answers a request with success and a body.
func (p *peer) answer(c *codec.Command, body string) {
	p.t.Helper()
	a := c.Answer(codec.ResSuccess, "")
	a.Body = []byte(body)
	p.write(frame(a))
}

// call sends a request and returns what comes next, which must be its answer.
func (p *peer) call(c *codec.Command) *codec.Command {
	p.t.Helper()
	opaque := p.send(c)
	a := p.next()
	require.True(p.t, a.IsResponse())
	require.Equal(p.t, opaque, a.Opaque)
	return a
}

// next reads one command.
func (p *peer) next() *codec.Command {
	p.t.Helper()
	c, _, err := codec.Decode(p.raw(), codec.Limits{})
	require.NoError(p.t, err)
	return c
}

// raw reads one frame as it stands on the wire.
func (p *peer) raw() []byte {
	p.t.Helper()
	head := p.bytes(4)
	return append(head, p.bytes(int(binary.BigEndian.Uint32(head)))...)
}

// bytes reads exactly n bytes.
func (p *peer) bytes(n int) []byte {
	p.t.Helper()
	p.nc.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, n)
	_, err := io.ReadFull(p.r, b)
	require.NoError(p.t, err)
	return b
}

// ends insists that the other side closes the connection and that nothing comes before.
func (p *peer) ends() {
	p.t.Helper()
	p.nc.SetReadDeadline(time.Now().Add(patience))
	rest, err := io.ReadAll(p.r)
	require.Empty(p.t, rest)
	require.False(p.t, errors.Is(err, os.ErrDeadlineExceeded), "the connection is still open")
}

// open insists that a request still goes through to broker and back.
func (p *peer) open(broker *peer) {
	p.t.Helper()
	opaque := p.request(codec.ReqGetMaxOffset, "still there?")
	asked := broker.next()
	require.Equal(p.t, opaque, asked.Opaque)
	broker.answer(asked, "yes")
	a := p.next()
	require.Equal(p.t, opaque, a.Opaque)
	require.Equal(p.t, "yes", string(a.Body))
}

// quiet insists that nothing has come.
func (p *peer) quiet() {
	p.t.Helper()
	p.nc.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err := p.r.Peek(1)
	require.ErrorIs(p.t, err, os.ErrDeadlineExceeded)
}

func (p *peer) close() { p.nc.Close() }

func frame(c *codec.Command) []byte { return c.Append(nil, codec.JSON) }

// fake is a server that does what a test says.
type fake struct {
	t     testing.TB
	ln    net.Listener
	addr  string
	conns chan net.Conn
}

func newFake(t testing.TB) *fake {
	t.Helper()
	return fakeAt(t, "127.0.0.1:0")
}

func fakeAt(t testing.TB, addr string) *fake {
	t.Helper()
	ln, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	f := &fake{t: t, ln: ln, addr: ln.Addr().String(), conns: make(chan net.Conn, 1000)}
	t.Cleanup(f.close)
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			f.conns <- nc
		}
	}()
	return f
}

// accept returns the next connection.
func (f *fake) accept() *peer {
	f.t.Helper()
	select {
	case nc := <-f.conns:
		return newPeer(f.t, nc)
	case <-time.After(patience):
		require.Fail(f.t, "nobody connects to the fake server")
		return nil
	}
}

// close stops accepting: the server is down for those who dial. Accepted connections live on.
func (f *fake) close() { f.ln.Close() }

// serve answers each request on every connection by handle, on one goroutine for each connection, until the test
// ends. A nil answer is none.
func (f *fake) serve(handle func(*codec.Command) *codec.Command) {
	done := make(chan struct{})
	f.t.Cleanup(func() { close(done) })
	go func() {
		for {
			select {
			case nc := <-f.conns:
				go serveConn(nc, handle)
			case <-done:
				return
			}
		}
	}()
}

func serveConn(nc net.Conn, handle func(*codec.Command) *codec.Command) {
	defer nc.Close()
	r := bufio.NewReaderSize(nc, 64<<10)
	for {
		c, _, err := codec.ReadCommand(r, codec.Limits{})
		if err != nil {
			return
		}
		if c.IsResponse() || c.IsOneway() {
			continue
		}
		if a := handle(c); a != nil {
			if _, err := nc.Write(frame(a)); err != nil {
				return
			}
		}
	}
}

// echo answers with the request's body.
func echo(c *codec.Command) *codec.Command {
	a := c.Answer(codec.ResSuccess, "")
	a.Body = c.Body
	return a
}

func routeRequest(topic string) *codec.Command {
	return &codec.Command{Code: codec.ReqGetRouteInfoByTopic, Language: codec.Java, Version: codec.Version5_5_0, Ext: map[string]string{"topic": topic}}
}

// clusterInfo answers 106 with broker-a at an address.
func clusterInfo(c *codec.Command, addr string) *codec.Command {
	a := c.Answer(codec.ResSuccess, "")
	a.Body = []byte(`{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"` + addr + `"},"brokerName":"broker-a","cluster":"main"}},"clusterAddrTable":{"main":["broker-a"]}}`)
	return a
}

// topicRoute answers 105 with broker-a at an address.
func topicRoute(c *codec.Command, addr string) *codec.Command {
	a := c.Answer(codec.ResSuccess, "")
	a.Body = []byte(`{"brokerDatas":[{"brokerAddrs":{"0":"` + addr + `"},"brokerName":"broker-a","cluster":"main"}],"filterServerTable":{},"queueDatas":[{"brokerName":"broker-a","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}]}`)
	return a
}
