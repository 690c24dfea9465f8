package transport

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// abort makes the close that follows a reset, unless something would be lost that must not be.
func (c *loopConn) abort(unsentToo bool) {
	c.sendPosted()
	if c.fd >= 0 && (unsentToo || !unsentOn(c.fd)) {
		unix.SetsockoptLinger(c.fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	}
}

// unsent reports that the system has yet to send a part of what was written.
func unsent(socket any) (some bool) {
	sc, ok := socket.(syscall.Conn)
	if !ok {
		return false
	}
	if raw, err := sc.SyscallConn(); err == nil {
		raw.Control(func(fd uintptr) { some = unsentOn(int(fd)) })
	}
	return some
}

func unsentOn(fd int) bool {
	n, err := unix.IoctlGetInt(fd, unix.SIOCOUTQNSD)
	return err == nil && n > 0
}
