package server

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// What two proxies say to each other on the socket of hand_over: JSON behind its length in four bytes, descriptors
// with the length. The one that is called says hello first; then it is asked, and answers:
//
//	{}                    every listening socket, each as a sharedDoor; an empty one ends them
//	{"state": …}, 1 or 2  a connection's client socket and upstream socket; answered by {} or {"refused": …}
type (
	hello struct {
		ID  string `json:"id"`
		PID int    `json:"pid"`
	}
	request struct {
		State *messages.ConnectionState `json:"state,omitempty"`
	}
	sharedDoor struct {
		Listener string `json:"listener,omitempty"`
		Address  string `json:"address,omitempty"`
		Broker   string `json:"broker,omitempty"`
	}
	reply struct {
		Refused string `json:"refused,omitempty"`
	}
)

// longestMessage bounds what a peer can make us read: a heartbeat of 1 MiB in base64 and many pending requests fit.
const longestMessage = 64 << 20

// line is a connection between two proxies.
type line struct {
	nc       *net.UnixConn
	pid      int           // of the other process
	patience time.Duration // for each message; 0: any time
}

// linePatience is for those who have asked.
const linePatience = 10 * time.Second

func (l *line) setDeadline() {
	if l.patience > 0 {
		l.nc.SetDeadline(time.Now().Add(l.patience))
	}
}

func (l *line) close() { l.nc.Close() }

func (l *line) send(v any, fds ...int) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	l.setDeadline()
	if err := sendDescriptors(l.nc, binary.BigEndian.AppendUint32(nil, uint32(len(text))), fds); err != nil {
		return err
	}
	_, err = l.nc.Write(text)
	return err
}

func (l *line) receive(v any) (fds []int, err error) {
	l.setDeadline()
	var size [4]byte
	if fds, err = receiveDescriptors(l.nc, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > longestMessage {
		closeAll(fds)
		return nil, fmt.Errorf("a message of %d bytes; at most %d are understood", n, longestMessage)
	}
	text := make([]byte, n)
	if _, err = io.ReadFull(l.nc, text); err == nil {
		err = json.Unmarshal(text, v)
	}
	if err != nil {
		closeAll(fds)
		return nil, err
	}
	return fds, nil
}

// give hands a connection over; refused is why the other side does not take it.
func (l *line) give(p *messages.Parcel) (refused string, err error) {
	fds := []int{p.Client}
	if p.Upstream >= 0 {
		fds = append(fds, p.Upstream)
	}
	if err := l.send(request{State: &p.State}, fds...); err != nil {
		return "", err
	}
	var r reply
	if _, err := l.receive(&r); err != nil {
		return "", err
	}
	return r.Refused, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		closeFD(fd)
	}
}
