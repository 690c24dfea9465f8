//go:build linux

package process

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Neighbors measures the CPU time that processes other than ours use.
type Neighbors struct {
	own   Group
	begin time.Time
	busy  time.Duration // of the machine
	mine  time.Duration // of own
}

// WatchNeighbors begins; own are all processes of the bench that run.
func WatchNeighbors(own Group) (*Neighbors, error) {
	n := &Neighbors{own: own, begin: time.Now()}
	var err error
	if n.busy, n.mine, err = n.read(); err != nil {
		return nil, err
	}
	return n, nil
}

// Share is what the others used since then: 1 is all CPUs, all the time. The kernel counts the machine's time in ticks of
// 10 ms, so within a second it is good to about 0.02.
func (n *Neighbors) Share() (float64, error) {
	busy, mine, err := n.read()
	if err != nil {
		return 0, err
	}
	others := (busy - n.busy) - (mine - n.mine)
	return max(0, others.Seconds()/time.Since(n.begin).Seconds()/float64(runtime.NumCPU())), nil
}

func (n *Neighbors) read() (busy, mine time.Duration, err error) {
	if mine, err = n.own.CPU(); err != nil {
		return 0, 0, err
	}
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, err
	}
	busy, err = busyTime(string(b))
	return busy, mine, err
}

// ticksPerSecond is USER_HZ, which is 100 on every Linux that Go runs on.
const ticksPerSecond = 100

// busyTime is the first line of /proc/stat without idle, iowait, irq and softirq, which are the fourth number and those
// behind it, and without guests, which count as user and nice. Interrupts are in no process's time, and on loopback they
// are those of the bench itself. What the hypervisor took (steal) counts as busy.
func busyTime(stat string) (time.Duration, error) {
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return 0, fmt.Errorf("cannot read /proc/stat: it begins with %q", line)
	}
	var ticks int64
	for i, text := range fields[1:9] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("cannot read /proc/stat: %w", err)
		}
		if i < 3 || i > 6 {
			ticks += n
		}
	}
	return time.Duration(ticks) * (time.Second / ticksPerSecond), nil
}

// LoadAverage is the first number of /proc/loadavg, of the last minute; "?" where it cannot be read.
func LoadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	first, _, _ := strings.Cut(string(b), " ")
	return first
}
