//go:build linux

package process

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// CPU time is that of the processes that are asked about, and moves with work.
func TestCPUTime(t *testing.T) {
	me := Group{os.Getpid()}
	before, err := me.CPU()
	require.NoError(t, err)
	for end := before + 5*time.Millisecond; before < end; {
		before, err = me.CPU()
		require.NoError(t, err)
	}
	_, err = Group{1<<22 + 1}.CPU() // beyond the largest there can be
	require.Error(t, err)
	none, err := Tree(0).CPU()
	require.NoError(t, err)
	require.Zero(t, none)
}

func TestATreeHasTheChildren(t *testing.T) {
	r, err := Launch("a family", exec.Command("sh", "-c", "sleep 600; true"), syscall.SIGKILL)
	require.NoError(t, err)
	defer r.Stop()
	var g Group
	require.Eventually(t, func() bool { g = Tree(r.PID); return len(g) == 2 }, 10*time.Second, time.Millisecond)
	require.Contains(t, g, r.PID)
	for _, pid := range g {
		if pid != r.PID {
			require.NoError(t, unix.Kill(pid, unix.SIGKILL))
		}
	}
}

func TestMemoryAndSwitches(t *testing.T) {
	me := Group{os.Getpid()}
	now, err := me.Resident()
	require.NoError(t, err)
	require.Positive(t, now)
	peak, err := me.PeakResident()
	require.NoError(t, err)
	require.GreaterOrEqual(t, peak, now)
	before, err := me.Switches()
	require.NoError(t, err)
	require.Positive(t, before)
}

// The counter has what was called while it ran, and nothing else. Where tracing is not permitted there is none.
func TestSyscallsAreCountedWhileTheCounterRuns(t *testing.T) {
	c, err := CountSyscalls(Group{os.Getpid()})
	if err != nil {
		t.Skip("this machine does not permit it: ", err)
	}
	defer c.Close()
	const calls = 1000
	work := func() {
		for range calls {
			unix.Getppid()
		}
	}
	work()
	count, err := c.Count()
	require.NoError(t, err)
	require.Zero(t, count)
	require.NoError(t, c.Run(true))
	work()
	require.NoError(t, c.Run(false))
	count, err = c.Count()
	require.NoError(t, err)
	require.GreaterOrEqual(t, count, calls)
}

func TestBusyTimeLeavesOutIdleInterruptsAndGuests(t *testing.T) {
	busy, err := busyTime("cpu  100 20 30 4000 500 6 7 8 9 10\ncpu0 1 2 3\n")
	require.NoError(t, err)
	require.Equal(t, 1580*time.Millisecond, busy)
	for _, text := range []string{"", "cpu0 1 2 3 4 5 6 7 8", "cpu 1 2 3 4 5 6 7 x"} {
		_, err := busyTime(text)
		require.ErrorContains(t, err, "/proc/stat", text)
	}
}

// What the bench's own processes use is not the neighbors'.
func TestNeighborsAreOthers(t *testing.T) {
	n, err := WatchNeighbors(Group{os.Getpid()})
	require.NoError(t, err)
	time.Sleep(50 * time.Millisecond)
	share, err := n.Share()
	require.NoError(t, err)
	require.GreaterOrEqual(t, share, 0.0)
	require.LessOrEqual(t, share, 1.5)
	n.mine = -time.Hour // it used an hour before: none of the machine's time is left for others
	share, err = n.Share()
	require.NoError(t, err)
	require.Zero(t, share)
}

func TestTheLoadAverageIsANumber(t *testing.T) { require.Regexp(t, `^[0-9.]+$`, LoadAverage()) }
