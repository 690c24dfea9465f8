package transport

import (
	"errors"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxBacklog is more than any system allows (net.core.somaxconn cuts it), as Go's own listening sockets have.
const maxBacklog = 1<<16 - 1

// refuseAll makes a listening socket a bound one that does not listen, and back. Who connects meanwhile is refused by
// the kernel, as is who waits to be accepted; the port stays ours, which closing would not promise. HAProxy pauses
// its listeners in the same way.
func refuseAll(raw syscall.RawConn, address netip.AddrPort, on bool) error {
	if raw == nil {
		return nil
	}
	var errno error
	err := raw.Control(func(fd uintptr) {
		if on {
			errno = leave(int(fd))
		} else {
			errno = comeBack(int(fd), address)
		}
	})
	return errors.Join(err, errno)
}

// leave stops listening. A port that the kernel has chosen is let go by that and must be taken again.
func leave(fd int) error {
	sa, err := unix.Getsockname(fd)
	if err == nil {
		err = unix.Shutdown(fd, unix.SHUT_RD)
	}
	if err != nil {
		return os.NewSyscallError("shutdown", err)
	}
	return bindAgain(fd, sa)
}

// comeBack listens again. Another process that refuses on this socket may be about to take its port again (leave): a
// socket that has none would be given any by listening.
func comeBack(fd int, address netip.AddrPort) error {
	_, sa := socketAddress(address)
	if err := bindAgain(fd, sa); err != nil {
		return err
	}
	return os.NewSyscallError("listen", unix.Listen(fd, maxBacklog))
}

func bindAgain(fd int, sa unix.Sockaddr) error {
	if err := unix.Bind(fd, sa); err != nil && err != unix.EINVAL { // EINVAL: it is still bound
		return os.NewSyscallError("bind", err)
	}
	return nil
}
