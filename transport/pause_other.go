//go:build !linux

package transport

import (
	"net/netip"
	"syscall"
)

// setListening does nothing: on other systems a paused listener accepts none, and connections wait in the queue.
func setListening(syscall.RawConn, netip.AddrPort, bool) error { return nil }
