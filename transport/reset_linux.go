package transport

import "golang.org/x/sys/unix"

// abort makes the close that follows a reset.
func (c *loopConn) abort() {
	if c.fd >= 0 {
		unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
}
