//go:build !unix

package transport

import (
	"errors"
	"net"
	"syscall"
)

// rawSocket: elsewhere reads and writes of a socket cannot be tried, so connections are read and written as those
// under TLS are, by calls that wait.
func rawSocket(net.Conn) syscall.RawConn { return nil }

func readSocket(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }

func writeSocket(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
