//go:build !unix

package handover

import (
	"errors"
	"net"
	"net/netip"
)

// sendDescriptors: only Unix passes open files to another process.
func sendDescriptors(*net.UnixConn, []byte, []int) error { return errors.ErrUnsupported }

func receiveDescriptors(*net.UnixConn, []byte) ([]int, error) { return nil, errors.ErrUnsupported }

func tcpConnection(int) bool { return false }

func tcpListener(int) (netip.AddrPort, error) { return netip.AddrPort{}, errors.ErrUnsupported }

func closeFD(int) {}
