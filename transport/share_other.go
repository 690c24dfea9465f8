//go:build !linux

package transport

import "errors"

// DuplicateListener needs the event loops of Linux.
func DuplicateListener(Listener) (fd int, err error) { return -1, errors.ErrUnsupported }

// Detach needs the event loops of Linux.
func Detach(Conn) (fd int, err error) { return -1, errors.ErrUnsupported }
