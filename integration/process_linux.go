package integration

import "syscall"

// dieWithParent makes the kernel end a child when the test process ends in a way that runs no cleanup, as the
// panic of `go test -timeout` does.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
