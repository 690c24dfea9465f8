//go:build linux

package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Group is a process and its children: nginx serves from its children. Without members everything of it is 0.
type Group []int

// Tree is a process with its descendants of this moment; 0: none.
func Tree(pid int) Group {
	if pid == 0 {
		return nil
	}
	parents := map[int]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, file := range files {
		if child, parent, ok := parentOf(file); ok {
			parents[child] = parent
		}
	}
	g := Group{pid}
	for i := 0; i < len(g); i++ {
		for child, parent := range parents {
			if parent == g[i] {
				g = append(g, child)
			}
		}
	}
	slices.Sort(g)
	return g
}

// parentOf reads /proc/<pid>/stat: the pid, the name in parentheses, a state, the parent.
func parentOf(file string) (child, parent int, ok bool) {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0, 0, false // it has ended
	}
	text := string(b)
	end := strings.LastIndexByte(text, ')')
	pid, _, found := strings.Cut(text, " ")
	if end < 0 || !found {
		return 0, 0, false
	}
	fields := strings.Fields(text[end+1:])
	if len(fields) < 2 {
		return 0, 0, false
	}
	child, err1 := strconv.Atoi(pid)
	parent, err2 := strconv.Atoi(fields[1])
	return child, parent, err1 == nil && err2 == nil
}

// sum adds up what read says of each member.
func sum[T int | int64 | time.Duration](g Group, read func(pid int) (T, error)) (total T, err error) {
	for _, pid := range g {
		n, err := read(pid)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// CPU is the CPU time of the members and their threads, those that have ended included.
func (g Group) CPU() (time.Duration, error) { return sum(g, cpuTime) }

// cpuTime is the same sum as utime + stime of /proc/<pid>/stat, but in nanoseconds instead of ticks of 10 ms: the clock
// of another process, as clock_getcpuclockid(3) makes its id.
func cpuTime(pid int) (time.Duration, error) {
	const cpuClockSched = 2
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|cpuClockSched), &ts); err != nil {
		return 0, fmt.Errorf("cannot read the CPU clock of process %d: %w", pid, err)
	}
	return time.Duration(ts.Nano()), nil
}

// Resident is the memory that the members have in RAM now, in bytes; what they share counts once for each.
func (g Group) Resident() (int64, error) {
	return sum(g, func(pid int) (int64, error) { return statusBytes(pid, "VmRSS:") })
}

// PeakResident is the most that they ever had.
func (g Group) PeakResident() (int64, error) {
	return sum(g, func(pid int) (int64, error) { return statusBytes(pid, "VmHWM:") })
}

func statusBytes(pid int, key string) (int64, error) {
	file := fmt.Sprintf("/proc/%d/status", pid)
	text, err := statusField(file, key)
	if err != nil {
		return 0, err
	}
	kb, err := strconv.ParseInt(strings.TrimSuffix(text, " kB"), 10, 64)
	return kb << 10, err
}

func statusField(file, key string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			return strings.TrimSpace(rest), nil
		}
	}
	return "", fmt.Errorf("%s has no %s", file, key)
}

// Switches is how often the threads that live were taken off a CPU, by themselves or by the scheduler.
func (g Group) Switches() (int, error) {
	return sum(g, func(pid int) (total int, err error) {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid)) // the pattern is well-formed
		for _, file := range files {
			for _, key := range []string{"voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"} {
				text, err := statusField(file, key)
				if os.IsNotExist(err) {
					continue // the thread has ended
				}
				if err != nil {
					return 0, err
				}
				n, err := strconv.Atoi(text)
				if err != nil {
					return 0, err
				}
				total += n
			}
		}
		return total, nil
	})
}
