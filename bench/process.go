//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the CPU time of a process and its threads, those that have ended included; 0 for pid 0. It is the same
// sum as utime + stime of /proc/<pid>/stat, but in nanoseconds instead of ticks of 10 ms: the clock of another
// process, as clock_getcpuclockid(3) makes its id.
func cpuTime(pid int) (time.Duration, error) {
	if pid == 0 {
		return 0, nil
	}
	const cpuClockSched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|cpuClockSched), &ts); err != nil {
		return 0, fmt.Errorf("cannot read the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// resident is the memory that a process has in RAM now, in bytes; 0 for pid 0.
func resident(pid int) (int64, error) { return statusBytes(pid, "VmRSS:") }

// peakResident is the most it ever had.
func peakResident(pid int) (int64, error) { return statusBytes(pid, "VmHWM:") }

func statusBytes(pid int, key string) (int64, error) {
	if pid == 0 {
		return 0, nil
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("/proc/%d/status has no %s", pid, key)
}

// openFiles raises the limit on open files as far as it goes and returns it. Children inherit it.
func openFiles() int {
	const wanted = 100_000
	for _, least := range []uint64{wanted, 0} {
		var lim unix.Rlimit
		if unix.Getrlimit(unix.RLIMIT_NOFILE, &lim) != nil {
			return 1024
		}
		lim.Max = max(lim.Max, least)
		lim.Cur = lim.Max
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &lim) == nil {
			return int(min(lim.Max, 1<<30))
		}
	}
	return 1024
}
