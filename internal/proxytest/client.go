package proxytest

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Client is one end of a raw connection: a client of the proxy, or what a fake broker accepted from the proxy. On a
// [Network] each write returns when all that follows from it has happened, or waits for something.
type Client struct {
	T    testing.TB
	Conn net.Conn
	R    *bufio.Reader // of Conn; whoever reads from Conn itself must not read frames

	// Of requests that name none.
	Language codec.Language
	Version  int32

	opaque int32
	sim    bool
}

// Dial connects a client over TCP.
func Dial(t testing.TB, address string) *Client {
	t.Helper()
	nc, err := net.DialTimeout("tcp", address, Patience)
	require.NoError(t, err)
	return NewClient(t, nc)
}

// NewClient makes a client of a connection, which ends with the test.
func NewClient(t testing.TB, nc net.Conn) *Client {
	t.Cleanup(func() { nc.Close() })
	_, sim := nc.(pipe)
	return &Client{T: t, Conn: nc, R: bufio.NewReaderSize(nc, 64<<10), sim: sim}
}

// Local is the client's own address.
func (c *Client) Local() string { return c.Conn.LocalAddr().String() }

// Close closes the connection.
func (c *Client) Close() {
	c.Conn.Close()
	c.wait()
}

// CloseWrite says that no more comes.
func (c *Client) CloseWrite() { c.Conn.(*net.TCPConn).CloseWrite() }

// Reset ends the connection as the crash of a process does.
func (c *Client) Reset() { Reset(c.Conn) }

// Reset ends a TCP connection with RST.
func Reset(nc net.Conn) {
	if c, ok := nc.(counted); ok {
		nc = c.Conn
	}
	nc.(*net.TCPConn).SetLinger(0)
	nc.Close()
}

func (c *Client) wait() {
	if c.sim {
		synctest.Wait()
	}
}

// Write writes bytes. On a network in memory it does not wait for a proxy that does not read.
func (c *Client) Write(b []byte) {
	c.T.Helper()
	if !c.sim {
		c.Conn.SetWriteDeadline(time.Now().Add(Patience))
		_, err := c.Conn.Write(b)
		require.NoError(c.T, err)
		return
	}
	done := make(chan error, 1)
	go func() {
		_, err := c.Conn.Write(b)
		done <- err
	}()
	synctest.Wait()
	select {
	case err := <-done:
		require.NoError(c.T, err)
	default:
	}
}

// WriteFrames writes commands in one go, as they stand.
func (c *Client) WriteFrames(commands ...*codec.Command) {
	c.T.Helper()
	var b []byte
	for _, each := range commands {
		b = each.Append(b, codec.JSON)
	}
	c.Write(b)
}

// Send writes a command. A request without an opaque gets the next one, which is returned.
func (c *Client) Send(command *codec.Command) int32 {
	c.T.Helper()
	c.complete(command)
	c.Write(Frame(command))
	return command.Opaque
}

func (c *Client) complete(command *codec.Command) {
	if command.Opaque == 0 {
		c.opaque++
		command.Opaque = c.opaque
	}
	if command.Version == 0 {
		command.Version = c.Version
	}
	if command.Language == 0 {
		command.Language = c.Language
	}
}

// Try is Call for what may fail, and for goroutines other than the test's.
func (c *Client) Try(request *codec.Command) (*codec.Command, error) {
	c.complete(request)
	c.Conn.SetWriteDeadline(time.Now().Add(Patience))
	if _, err := c.Conn.Write(Frame(request)); err != nil {
		return nil, err
	}
	a, err := c.TryNext()
	if err == nil && a.Opaque != request.Opaque {
		err = fmt.Errorf("opaque %d for an answer to %d", a.Opaque, request.Opaque)
	}
	return a, err
}

// TryNext is Next for what may fail.
func (c *Client) TryNext() (*codec.Command, error) {
	c.Conn.SetReadDeadline(time.Now().Add(Patience))
	command, _, err := codec.ReadCommand(c.R, codec.Limits{})
	return command, err
}

// Request sends a request that wants an answer.
func (c *Client) Request(code int32, body string) int32 {
	c.T.Helper()
	return c.Send(&codec.Command{Code: code, Version: codec.Version5_5_0, Body: []byte(body)})
}

// Answer answers a request with success and a body.
func (c *Client) Answer(request *codec.Command, body string) {
	c.T.Helper()
	a := request.Answer(codec.ResSuccess, "")
	a.Body = []byte(body)
	c.WriteFrames(a)
}

// Call sends a request and returns what comes next, which must be its answer.
func (c *Client) Call(request *codec.Command) *codec.Command {
	c.T.Helper()
	opaque := c.Send(request)
	a := c.Next()
	require.True(c.T, a.IsResponse())
	require.Equal(c.T, opaque, a.Opaque)
	return a
}

// Heartbeat sends a heartbeat, has the broker confirm it, and returns the frame that the broker got.
func (c *Client) Heartbeat(broker *Client, body string) (sent []byte) {
	c.T.Helper()
	opaque := c.Request(codec.ReqHeartBeat, body)
	sent = broker.NextFrame()
	asked, _, err := codec.Decode(sent, codec.Limits{})
	require.NoError(c.T, err)
	require.Equal(c.T, body, string(asked.Body))
	broker.Answer(asked, "")
	require.Equal(c.T, opaque, c.Next().Opaque)
	return sent
}

// Next reads one command.
func (c *Client) Next() *codec.Command {
	c.T.Helper()
	command, _, err := codec.Decode(c.NextFrame(), codec.Limits{})
	require.NoError(c.T, err)
	return command
}

// NextFrame reads one frame as it stands on the wire.
func (c *Client) NextFrame() []byte {
	c.T.Helper()
	head := c.Read(4)
	return append(head, c.Read(int(binary.BigEndian.Uint32(head)))...)
}

// Read reads exactly n bytes.
func (c *Client) Read(n int) []byte {
	c.T.Helper()
	c.Conn.SetReadDeadline(time.Now().Add(Patience))
	b := make([]byte, n)
	_, err := io.ReadFull(c.R, b)
	require.NoError(c.T, err)
	return b
}

// Opaques reads what has come by now: the opaques of whole commands. Only on a network in memory is it known what that is.
func (c *Client) Opaques() (opaques []int32) {
	defer c.Conn.SetReadDeadline(time.Time{})
	for {
		c.Conn.SetReadDeadline(time.Now().Add(time.Millisecond))
		command, _, err := codec.ReadCommand(c.R, codec.Limits{})
		if err != nil {
			return opaques
		}
		opaques = append(opaques, command.Opaque)
	}
}

// Ends insists that the other side closes the connection and that nothing comes before. On a network in memory it must
// have done so by now.
func (c *Client) Ends() {
	c.T.Helper()
	patience := Patience
	if c.sim {
		patience = time.Millisecond
	}
	c.Conn.SetReadDeadline(time.Now().Add(patience))
	rest, err := io.ReadAll(c.R)
	require.Empty(c.T, rest)
	require.False(c.T, errors.Is(err, os.ErrDeadlineExceeded), "the connection is still open")
	if c.sim {
		require.NoError(c.T, err)
	}
}

// Works insists that a request still goes through to the broker and back.
func (c *Client) Works(broker *Client) {
	c.T.Helper()
	opaque := c.Request(codec.ReqGetMaxOffset, "still there?")
	asked := broker.Next()
	require.Equal(c.T, opaque, asked.Opaque)
	broker.Answer(asked, "yes")
	a := c.Next()
	require.Equal(c.T, opaque, a.Opaque)
	require.Equal(c.T, "yes", string(a.Body))
}

// Quiet insists that nothing has come, and that the connection is open.
func (c *Client) Quiet() {
	c.T.Helper()
	c.Conn.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	_, err := c.R.Peek(1)
	require.ErrorIs(c.T, err, os.ErrDeadlineExceeded, "something was there to read, or it was closed")
}

// Open reports that the other side has not closed the connection, whatever there is to read. It is for networks in memory.
func (c *Client) Open() bool {
	c.Conn.SetReadDeadline(time.Now()) // so that a pipe gives nothing but its end
	_, err := c.Conn.Read(make([]byte, 1))
	c.Conn.SetReadDeadline(time.Time{})
	return !errors.Is(err, io.EOF)
}
