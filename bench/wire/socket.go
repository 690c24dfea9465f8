//go:build linux

package wire

import (
	"fmt"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// Loopback is 127.0.0.n: as many source addresses as it takes to have ports enough.
func Loopback(n int) [4]byte { return [4]byte{127, 0, 0, byte(n)} }

// Connect opens a connection from a source address of its own; blocking, as it is not what is measured.
func (l *Loop) Connect(to netip.AddrPort, from [4]byte, p Peer) (*Conn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	// The port is chosen by connect, which knows the other end: 28,000 for each pair of addresses.
	err = unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: from})
	}
	if err == nil {
		err = unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot connect to %s: %w", to, err)
	}
	return l.Adopt(fd, p)
}

// acceptor takes connections off a listening socket.
type acceptor struct {
	loop *Loop
	fd   int
	peer Peer
}

// Listen opens a listening socket on 127.0.0.1; port 0 is any free one.
func (l *Loop) Listen(port int, p Peer) (netip.AddrPort, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: Loopback(1), Port: port}); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("bind", err)
	}
	if err := unix.Listen(fd, 4096); err != nil {
		return netip.AddrPort{}, os.NewSyscallError("listen", err)
	}
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, os.NewSyscallError("getsockname", err)
	}
	at := sa.(*unix.SockaddrInet4)
	return netip.AddrPortFrom(netip.AddrFrom4(at.Addr), uint16(at.Port)), l.Add(fd, unix.EPOLLIN, &acceptor{l, fd, p})
}

// Ready accepts.
func (a *acceptor) Ready(uint32) {
	for range 64 {
		fd, _, err := unix.Accept4(a.fd, unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		if _, err := a.loop.Adopt(fd, a.peer); err != nil {
			unix.Close(fd)
		}
	}
}
