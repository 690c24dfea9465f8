//go:build unix

package server

import "syscall"

// allowedDescriptors is how many files the system lets this process open; 0: unknown. Go has raised the soft limit to
// the hard one when the process began (os.init).
func allowedDescriptors() uint64 {
	var allowed syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &allowed); err != nil {
		return 0
	}
	return uint64(allowed.Cur)
}
