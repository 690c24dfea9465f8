//go:build !unix

package handover

import (
	"errors"
	"net"
)

// sendDescriptors: only Unix passes open files to another process.
func sendDescriptors(*net.UnixConn, []byte, []int) error { return errors.ErrUnsupported }

func receiveDescriptors(*net.UnixConn, []byte) ([]int, error) { return nil, errors.ErrUnsupported }

func closeFD(int) {}
