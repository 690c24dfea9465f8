//go:build linux

package process

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SyscallCounter counts the system calls of a group, as `perf stat -e raw_syscalls:sys_enter` does.
type SyscallCounter struct{ fds []int }

// CountSyscalls makes a counter that stands still, on all threads that the group has and that these will start. It needs
// tracefs and the permission to trace others (CAP_PERFMON).
func CountSyscalls(g Group) (*SyscallCounter, error) {
	id, err := tracepoint("raw_syscalls/sys_enter")
	if err != nil {
		return nil, err
	}
	c := &SyscallCounter{}
	for _, tid := range g.threads() {
		attr := unix.PerfEventAttr{
			Type: unix.PERF_TYPE_TRACEPOINT, Config: id, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
			Bits: unix.PerfBitDisabled | unix.PerfBitInherit,
		}
		fd, err := unix.PerfEventOpen(&attr, tid, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
		if err == unix.ESRCH {
			continue // the thread has ended
		}
		if err != nil {
			c.Close()
			return nil, os.NewSyscallError("perf_event_open", err)
		}
		c.fds = append(c.fds, fd)
	}
	return c, nil
}

// tracepoint is the id by which the kernel knows one of its events.
func tracepoint(name string) (uint64, error) {
	b, err := os.ReadFile("/sys/kernel/tracing/events/" + name + "/id")
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
}

func (g Group) threads() (tids []int) {
	for _, pid := range g {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid)) // the pattern is well-formed
		for _, task := range tasks {
			if tid, err := strconv.Atoi(filepath.Base(task)); err == nil {
				tids = append(tids, tid)
			}
		}
	}
	return tids
}

// Run starts counting, or stops it.
func (c *SyscallCounter) Run(on bool) error {
	request := uint(unix.PERF_EVENT_IOC_DISABLE)
	if on {
		request = unix.PERF_EVENT_IOC_ENABLE
	}
	for _, fd := range c.fds {
		if err := unix.IoctlSetInt(fd, request, 0); err != nil {
			return os.NewSyscallError("ioctl", err)
		}
	}
	return nil
}

// Count is how many there were while it ran.
func (c *SyscallCounter) Count() (total int, err error) {
	for _, fd := range c.fds {
		var b [8]byte
		if _, err := unix.Read(fd, b[:]); err != nil {
			return 0, os.NewSyscallError("read", err)
		}
		total += int(binary.NativeEndian.Uint64(b[:]))
	}
	return total, nil
}

// Close gives the counter up.
func (c *SyscallCounter) Close() {
	for _, fd := range c.fds {
		unix.Close(fd)
	}
}
