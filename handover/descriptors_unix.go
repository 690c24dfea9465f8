//go:build unix

package handover

import (
	"fmt"
	"io"
	"net"

	"golang.org/x/sys/unix"
)

// mostDescriptors is how many come with one message.
const mostDescriptors = 2

func sendDescriptors(nc *net.UnixConn, b []byte, fds []int) error {
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	n, _, err := nc.WriteMsgUnix(b, rights, nil)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// receiveDescriptors fills b; Go marks what comes as close-on-exec.
func receiveDescriptors(nc *net.UnixConn, b []byte) (fds []int, err error) {
	space := make([]byte, unix.CmsgSpace(4*mostDescriptors))
	n, spaceN, _, _, err := nc.ReadMsgUnix(b, space)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, io.EOF
	}
	controls, err := unix.ParseSocketControlMessage(space[:spaceN])
	if err != nil {
		return nil, fmt.Errorf("cannot read what came with a message: %w", err)
	}
	for _, c := range controls {
		if some, err := unix.ParseUnixRights(&c); err == nil {
			fds = append(fds, some...)
		}
	}
	if _, err := io.ReadFull(nc, b[n:]); err != nil {
		closeAll(fds)
		return nil, err
	}
	return fds, nil
}

func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}
