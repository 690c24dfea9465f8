package transport

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// endpoint is the address of one end of a connected socket, in half the memory of a netip.AddrPort. The zero value is
// none.
type endpoint struct {
	ip   [16]byte // IPv4 as ::ffff:a.b.c.d
	port uint16
}

func endpointOf(ap netip.AddrPort) endpoint {
	if !ap.IsValid() {
		return endpoint{}
	}
	return endpoint{ap.Addr().As16(), ap.Port()}
}

func (e endpoint) addrPort() netip.AddrPort {
	if e == (endpoint{}) {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom16(e.ip).Unmap(), e.port)
}

// socketAddress is what connect wants.
func socketAddress(ap netip.AddrPort) (family int, sa unix.Sockaddr) {
	if a := ap.Addr().Unmap(); a.Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(ap.Port()), Addr: a.As4()}
	}
	sa6 := &unix.SockaddrInet6{Port: int(ap.Port()), Addr: ap.Addr().As16()}
	if zone := ap.Addr().Zone(); zone != "" {
		if ifi, err := net.InterfaceByName(zone); err == nil {
			sa6.ZoneId = uint32(ifi.Index)
		}
	}
	return unix.AF_INET6, sa6
}

// localOf is our end of a connected socket.
func localOf(fd int) endpoint {
	sa, err := unix.Getsockname(fd)
	if err != nil {
		return unknownEnd
	}
	return fromSockaddr(sa)
}

// peerOf is the other end, if the socket still has it: the kernel forgets it with a reset.
func peerOf(fd int) endpoint {
	sa, err := unix.Getpeername(fd)
	if err != nil {
		return unknownEnd
	}
	return fromSockaddr(sa)
}

// unknownEnd stands for an address that is no longer known, 0.0.0.0:0.
var unknownEnd = endpointOf(netip.AddrPortFrom(netip.IPv4Unspecified(), 0))

func fromSockaddr(sa unix.Sockaddr) endpoint {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return endpoint{netip.AddrFrom4(a.Addr).As16(), uint16(a.Port)}
	case *unix.SockaddrInet6:
		return endpoint{a.Addr, uint16(a.Port)}
	}
	return endpoint{}
}
