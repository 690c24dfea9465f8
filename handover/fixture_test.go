package handover

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// patience bounds what must come.
const patience = 30 * time.Second

// fakeProxy records what a hand-over asks of it.
type fakeProxy struct {
	mu       sync.Mutex
	refuses  string // a listener that it does not have
	adopted  []*messages.ConnectionState
	sockets  []net.Conn // of adopted connections
	upstream []int      // how many others came with each
	shares   []messages.SharedListener
}

func (p *fakeProxy) ShareListeners(context.Context) ([]messages.SharedListener, error) {
	return p.shares, nil
}

func (p *fakeProxy) Offer(_ context.Context, s *messages.ConnectionState) error {
	if s.Listener == p.refuses {
		return errors.New("there is no listener " + s.Listener)
	}
	return nil
}

func (p *fakeProxy) Adopt(_ context.Context, s *messages.ConnectionState, client int, upstreams []int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.adopted = append(p.adopted, s)
	p.upstream = append(p.upstream, len(upstreams))
	closeAll(upstreams)
	file := os.NewFile(uintptr(client), "client")
	nc, err := net.FileConn(file)
	file.Close()
	p.sockets = append(p.sockets, nc)
	return err
}

func (p *fakeProxy) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.adopted)
}

// serving is an endpoint that has its path.
type serving struct {
	*Endpoint
	proxy *fakeProxy
	log   *proxytest.Log
}

func serve(t *testing.T, path string, p *fakeProxy) *serving {
	t.Helper()
	output := &proxytest.Log{}
	e, err := Inherit(path, nil, slog.New(slog.NewTextHandler(output, nil)))
	require.NoError(t, err)
	t.Cleanup(e.Close)
	e.Serve(p)
	require.True(t, e.Serving())
	return &serving{e, p, output}
}

func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "s") }

// call connects to a path and reads the hello.
func call(t *testing.T, path string) (*conn, hello) {
	t.Helper()
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	require.NoError(t, err)
	t.Cleanup(func() { nc.Close() })
	c := &conn{nc: nc, timeout: patience}
	var hi hello
	_, err = c.receive(&hi)
	require.NoError(t, err)
	return c, hi
}

// parcel is a connection with a real socket; the client's other end tells whether somebody still has it.
func parcel(t *testing.T, listener string) (p *messages.HandedOverConnection, client net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	client, err = net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { client.Close() })
	nc, err := ln.Accept()
	require.NoError(t, err)
	defer nc.Close()
	file, err := nc.(*net.TCPConn).File()
	require.NoError(t, err)
	defer file.Close()
	return &messages.HandedOverConnection{Client: duplicate(t, int(file.Fd())), State: messages.ConnectionState{Listener: listener}}, client
}

// gone wants the other end to be closed: no process has the socket.
func gone(t *testing.T, client net.Conn) {
	t.Helper()
	client.SetReadDeadline(time.Now().Add(patience))
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// owned wants some process to have the socket, and to have sent nothing.
func owned(t *testing.T, client net.Conn) {
	t.Helper()
	client.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}
