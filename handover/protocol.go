// Package handover gives a running proxy's listening sockets and connections to the process that succeeds it, so that
// no client notices a restart. Both processes have the same path (hand_over), a Unix socket:
//
//   - A proxy that starts is the successor. It asks the process that has the path, the predecessor, for its listening
//     sockets ([Inherit]), and takes the path over when it is ready ([Endpoint.Serve]).
//   - A proxy that drains is the predecessor. It offers its connections, one after another, to the process that has the
//     path then ([Endpoint.Successor], [Successor.Give]).
//
// A connection that is handed over has one owner at any time. It goes in three steps: the predecessor offers it, the
// successor accepts and does nothing, the predecessor says start. Before that word has been sent the connection is the
// predecessor's, whatever happens; after it, the successor's. When the word may have arrived or not, the predecessor
// closes its side, and so does a successor that has not got it: the client connects again.
//
// # Protocol
//
// A message is JSON behind its length in four bytes, big endian; descriptors come with the length. The process that is
// called says hello, with the version that it speaks. Then it is asked:
//
//	{}                                    every listening socket, each as a listener; one without an address ends them,
//	                                      and says in "error" what could not be shared, and in "kept" what else
//	                                      the successor is to know
//	{"state": …, "version": 2}, 1 or more offers a connection: its client socket and those of its links to brokers;
//	                                      answered by {} or {"refused": …}
//	{"start": true}                       the connection that was accepted just now is the successor's; no answer
//
// In version 1 a connection has one link at most, so those of one-port listeners are drained. Processes whose versions are one
// apart speak the lower one. Beyond that, listening sockets are shared all the same ({} never changes), and connections are
// drained.
package handover

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// Version is the highest version of the protocol that this package speaks.
const Version = 2

// The messages.
type (
	hello struct {
		ID      string `json:"id"`
		PID     int    `json:"pid"`
		Version int    `json:"version,omitempty"`
	}
	request struct {
		State   *messages.ConnectionState `json:"state,omitempty"`
		Version int                       `json:"version,omitempty"`
		Start   bool                      `json:"start,omitempty"`
	}
	listener struct {
		Listener string `json:"listener,omitempty"`
		Address  string `json:"address,omitempty"`
		Broker   string `json:"broker,omitempty"`
		Error    string `json:"error,omitempty"` // of the last one
		// Kept is, in the last one, what the program wants its successor to know (Endpoint.Keep).
		Kept json.RawMessage `json:"kept,omitempty"`
	}
	reply struct {
		Refused string `json:"refused,omitempty"`
	}
)

// common is the version that two processes speak with each other; ok is false when they are too far apart.
func common(theirs int) (version int, ok bool) {
	return min(theirs, Version), theirs >= Version-1 && theirs <= Version+1
}

// mostDescriptors is how many come with one message: a client and its links to brokers. Linux passes 253 at a time.
const mostDescriptors = 200

// longestMessage bounds what the other process can make us read, in bytes: a heartbeat of 1 MiB in base64 and many
// pending requests fit.
const longestMessage = 64 << 20

// conn is a connection between two proxies.
type conn struct {
	nc      *net.UnixConn
	timeout time.Duration // of each message; 0: none
}

// messageTimeout is for the process that asks.
const messageTimeout = 10 * time.Second

func (c *conn) setDeadline() {
	if c.timeout > 0 {
		_ = c.nc.SetDeadline(time.Now().Add(c.timeout))
	}
}

func (c *conn) close() { c.nc.Close() }

func (c *conn) send(v any, fds ...int) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	c.setDeadline()
	if err := sendDescriptors(c.nc, binary.BigEndian.AppendUint32(nil, uint32(len(text))), fds); err != nil {
		return err
	}
	_, err = c.nc.Write(text)
	return err
}

// receive reads one message. With errDescriptorsLost v is filled as well, and the next message can be read.
func (c *conn) receive(v any) (fds []int, err error) {
	c.setDeadline()
	var size [4]byte
	fds, lost := receiveDescriptors(c.nc, size[:])
	if lost != nil && !errors.Is(lost, errDescriptorsLost) {
		return nil, lost
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > longestMessage {
		closeAll(fds)
		return nil, fmt.Errorf("a message of %d bytes exceeds %d", n, longestMessage)
	}
	text := make([]byte, n)
	if _, err = io.ReadFull(c.nc, text); err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		closeAll(fds)
		return nil, err
	}
	return fds, lost
}
