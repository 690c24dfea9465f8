//go:build unix

package main

import (
	"os"
	"syscall"
)

// unsupported are signals that other proxies know, for which the system would end the process without a drain.
var unsupported = []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2}
