package transport

import (
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A loop with traffic waits for events without telling Go's scheduler ("direct"). Of a wait that it knows of, its monitor
// thread asks up to 50,000 times a second whether the P should be given to somebody else, and the end has to get a P.
// In a direct wait the loop keeps its P, which nobody else can use, so not all loops may (directWaits), and the wait must
// end when the runtime asks for it. It does, because the runtime takes it for work that has to be interrupted:
//
//   - A thread that stops the world, or scans the loop's stack, sends the thread a signal, which ends the wait with EINTR, and
//     sends it again every 100 µs in case it came just before the wait (runtime/proc.go, stopTheWorldWithSema).
//   - The monitor sends it after 10 ms (retake). By then there is no traffic, and the next wait is one that the scheduler
//     knows of, which costs nothing while it lasts. Else an idle loop would be interrupted 100 times a second.
//
// Without these signals (GODEBUG=asyncpreemptoff=1) no wait is direct.

// wait waits for events, but not if there is work from elsewhere; 0: look for that.
func (l *loop) wait(events []unix.EpollEvent) (n int) {
	if !l.direct || l.pending.Load() > 0 {
		if n = l.poll(events, 0); n > 0 || l.pending.Load() > 0 {
			return n
		}
	}
	l.sleeping.Store(true)
	if l.pending.Load() == 0 && !l.stopped.Load() {
		if l.direct && !l.quiet {
			n = l.poll(events, -1)
		} else {
			n = l.sleep(events)
		}
		l.quiet = n == 0 || l.quiet && n == 1 && int(events[0].Fd) == l.wakefd
	}
	l.sleeping.Store(false)
	return n
}

// poll waits for so many milliseconds, -1 without limit, and does not tell the scheduler. An interrupted wait brings nothing.
func (l *loop) poll(events []unix.EpollEvent, milliseconds int) int {
	n, _, errno := syscall.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(l.epfd), uintptr(unsafe.Pointer(&events[0])), eventBatch,
		uintptr(milliseconds), 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// sleep waits as Go would have it.
func (l *loop) sleep(events []unix.EpollEvent) int {
	l.report()
	n, _ := unix.EpollWait(l.epfd, events, -1)
	return max(n, 0)
}

// directWaits are the loops of this process that may wait without telling the scheduler. One P is left for goroutines;
// usually it is the one that New adds.
var directWaits struct {
	mu    sync.Mutex
	loops int
}

func takeDirectWait() bool {
	if !preemptedBySignals() {
		return false
	}
	directWaits.mu.Lock()
	defer directWaits.mu.Unlock()
	if directWaits.loops >= runtime.GOMAXPROCS(0)-1 {
		return false
	}
	directWaits.loops++
	return true
}

func giveDirectWaitBack() {
	directWaits.mu.Lock()
	defer directWaits.mu.Unlock()
	directWaits.loops--
}

func preemptedBySignals() bool { return !strings.Contains(os.Getenv("GODEBUG"), "asyncpreemptoff=1") }
