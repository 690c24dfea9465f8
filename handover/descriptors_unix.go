//go:build unix

package handover

import (
	"fmt"
	"io"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

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

// receiveDescriptors fills b; Go marks what comes as close-on-exec. With errDescriptorsLost b is filled as well, and what
// came is closed: the kernel cuts the list when there are more than fit, or no descriptor is free.
func receiveDescriptors(nc *net.UnixConn, b []byte) (fds []int, err error) {
	space := make([]byte, unix.CmsgSpace(4*mostDescriptors))
	n, spaceN, flags, _, err := nc.ReadMsgUnix(b, space)
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
	if flags&unix.MSG_CTRUNC != 0 {
		closeAll(fds)
		return nil, errDescriptorsLost
	}
	return fds, nil
}

// tcpConnection reports whether a descriptor may be a TCP connection; it may have ended meanwhile.
func tcpConnection(fd int) bool {
	_, err := tcpAddress(fd)
	listens, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
	return err == nil && listens == 0
}

// tcpListener is the address of a listening TCP socket, or of one that is paused: bound, and not listening.
func tcpListener(fd int) (netip.AddrPort, error) {
	if _, err := unix.Getpeername(fd); err == nil {
		return netip.AddrPort{}, errNotTCP
	}
	return tcpAddress(fd)
}

func tcpAddress(fd int) (netip.AddrPort, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_STREAM {
		return netip.AddrPort{}, errNotTCP
	}
	local, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{}, err
	}
	switch a := local.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port)), nil
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port)), nil
	}
	return netip.AddrPort{}, errNotTCP
}

func closeFD(fd int) {
	if fd >= 0 {
		unix.Close(fd)
	}
}
