package transport

import "errors"

// Option is a choice of [New] that is usually left to it.
type Option func(*ringOptions)

// ringOptions say how event loops make their system calls.
type ringOptions struct {
	off    bool
	failed func(error)
}

func ringOptionsOf(options []Option) (o ringOptions) {
	for _, choose := range options {
		choose(&o)
	}
	return o
}

// WithoutIOUring has event loops make each system call by itself. Else they use io_uring where the system lets them.
func WithoutIOUring() Option { return func(o *ringOptions) { o.off = true } }

// OnIOUringFailure has failed called when the io_uring of a loop stops working: it is not used again, and the loop goes on
// without. It is called once for each such loop, on the loop, and must not block.
func OnIOUringFailure(failed func(error)) Option {
	return func(o *ringOptions) { o.failed = failed }
}

// ErrIOUringOff is what [IOUring] says under [WithoutIOUring].
var ErrIOUringOff = errors.New("switched off")

// IOUring says why a transport does not use io_uring for all its loops; nil: it does. Safe from everywhere.
func IOUring(t Transport) error {
	if u, ok := t.(interface{ ioUring() error }); ok {
		return u.ioUring()
	}
	return errors.ErrUnsupported
}
