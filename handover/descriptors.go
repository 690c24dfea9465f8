package handover

import "errors"

var (
	errDescriptorsLost = errors.New("sockets of a message were lost on the way; raise RLIMIT_NOFILE (ulimit -n, LimitNOFILE=) of this process")
	errNotTCP          = errors.New("not a listening TCP socket")
)

func closeAll(fds []int) {
	for _, fd := range fds {
		closeFD(fd)
	}
}
