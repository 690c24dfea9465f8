package server

import (
	"net"
	"os"
	"runtime"
	"sync"
	"testing"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// churnConnections come and go in the test.
const churnConnections = 10_000

// openFiles counts the process's descriptors; -1 where that cannot be told.
func openFiles() int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return -1
	}
	return len(list)
}

// churn is one short life of a client; i says which. The ways to leave are those of real clients and of dying ones.
func churn(c net.Conn, i int) {
	defer c.Close()
	q := codec.Command{Code: codec.ReqSendMessageV2, Opaque: int32(i), Ext: sendExt, Body: make([]byte, 100)}
	frame := q.Append(nil, codec.JSON)
	switch i % 6 {
	case 0: // is served
		c.Write(frame)
		codec.ReadCommand(c, codec.Limits{})
	case 1: // does not wait for its answer
		c.Write(frame)
	case 2: // says nothing
	case 3: // closes its half and waits for what comes
		c.Write(frame)
		c.(*net.TCPConn).CloseWrite()
		codec.ReadCommand(c, codec.Limits{})
	case 4:
		c.Write(frame)
		proxytest.Reset(c)
	case 5: // is cut off in the middle of a frame
		c.Write(frame[:len(frame)/2])
		proxytest.Reset(c)
	}
}

// After thousands of short connections, with the upstreams killed again and again, nothing is left behind.
func TestChurnLeavesNothing(t *testing.T) {
	const atATime = 16
	s := newStage(t, "")
	files, living := openFiles(), len(s.proxy.Live("proxy"))
	ports := []string{s.place("liar"), s.Addr("office")}
	var clients sync.WaitGroup
	var failed sync.Map
	for worker := range atATime {
		clients.Go(func() {
			for i := worker; i < churnConnections; i += atATime {
				c, err := net.Dial("tcp", ports[i/6%2])
				if err != nil {
					failed.Store(i, err)
					continue
				}
				churn(c, i)
				if i%97 == 0 {
					s.liar.HangUp()
				}
				if i%211 == 0 {
					s.names.HangUp()
				}
			}
		})
	}
	clients.Wait()
	failed.Range(func(i, err any) bool { t.Errorf("connection %d is refused: %v", i, err); return true })
	s.errors(0, 0)
	s.unharmed()
	// unharmed has ended the neighbor too: its sockets and actors are room for no other.
	s.await(func() bool { return openFiles() <= files }, "descriptors are back")
	s.await(func() bool { return len(s.proxy.Live("proxy")) <= living }, "actors are back")
	s.await(func() bool { return runtime.NumGoroutine() <= s.goroutines }, "goroutines are back")
}
