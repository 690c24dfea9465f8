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

// setListening has a socket listen, or makes it a bound one that does not. Then the kernel refuses connections, those
// that wait to be accepted included, and the port stays ours, which closing would not promise. HAProxy pauses its
// listeners in the same way.
func setListening(raw syscall.RawConn, address netip.AddrPort, on bool) error {
	if raw == nil {
		return nil
	}
	var errno error
	err := raw.Control(func(fd uintptr) {
		if on {
			errno = resumeListening(int(fd), address)
		} else {
			errno = stopListening(int(fd))
		}
	})
	return errors.Join(err, errno)
}

// stopListening lets go a port that the kernel has chosen, so the port is taken again.
func stopListening(fd int) error {
	sa, err := unix.Getsockname(fd)
	if err == nil {
		err = unix.Shutdown(fd, unix.SHUT_RD)
	}
	if err != nil {
		return os.NewSyscallError("shutdown", err)
	}
	return bindAgain(fd, sa)
}

// resumeListening binds first: another process that pauses this socket may be about to take its port again
// (stopListening), and a socket that has none would be given any by listening.
func resumeListening(fd int, address netip.AddrPort) error {
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
