package transport

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// kernels are the flags of each generation of kernels.
var kernels = map[string]uint32{"Linux 6.6": ringFlags[0], "Linux 6.1": ringFlags[1], "older": ringFlags[2]}

// onRings runs a test with a ring of each generation, in a thread of its own.
func onRings(t *testing.T, test func(t *testing.T, r *ring)) {
	for name, flags := range kernels {
		t.Run(name, func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			r, err := newRing(flags)
			if err != nil {
				t.Skipf("no such ring here: %v", err)
			}
			defer r.close()
			test(t, r)
		})
	}
}

// pairs are connected sockets, and a byte to send through each.
type pairs struct {
	fds  [][2]int
	sent []byte
	got  []byte
}

func newPairs(t *testing.T, n int) *pairs {
	p := &pairs{sent: make([]byte, n), got: make([]byte, n)}
	for i := range n {
		fd, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		require.NoError(t, err)
		t.Cleanup(func() { unix.Close(fd[0]); unix.Close(fd[1]) })
		p.fds = append(p.fds, fd)
		p.sent[i] = byte(i)
	}
	return p
}

func (p *pairs) addSends(r *ring) {
	for i, fd := range p.fds {
		r.send(fd[0], p.sent[i:i+1])
	}
}

func (p *pairs) addReceives(r *ring) {
	clear(p.got)
	for i, fd := range p.fds {
		r.receive(fd[1], p.got[i:i+1])
	}
}

// exchange sends and receives through all of them, and finds nothing more.
func (p *pairs) exchange(t *testing.T, r *ring) {
	for _, add := range []func(*ring){p.addSends, p.addReceives} {
		add(r)
		r.carryOut()
		for i := range p.fds {
			n, errno := r.result(i)
			require.Zero(t, errno)
			require.Equal(t, 1, n)
		}
	}
	require.Equal(t, p.sent, p.got)
	p.addReceives(r)
	r.carryOut()
	for i := range p.fds {
		_, errno := r.result(i)
		require.Equal(t, syscall.EAGAIN, errno)
	}
}

func TestRingMakesAllCallsAtOnce(t *testing.T) {
	onRings(t, func(t *testing.T, r *ring) {
		entered := 0
		r.enter = func(submit, await int, flags uint32) (int, syscall.Errno) {
			entered++
			return r.enterKernel(submit, await, flags)
		}
		p := newPairs(t, ringSize)
		for range 3 { // the queues wrap around
			p.exchange(t, r)
		}
		require.Equal(t, 9, entered)
		require.NoError(t, r.failed)
	})
}

// Whatever the kernel says of a submission, each call is made once.
func TestRingIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		enter  func(r *ring, nth, submit int) (int, syscall.Errno)
		failed error
	}{
		"interrupted": {enter: func(r *ring, nth, submit int) (int, syscall.Errno) {
			if nth%2 == 0 {
				return 0, syscall.EINTR
			}
			return r.enterKernel(submit, 0, 0)
		}},
		"takes a few": {enter: func(r *ring, _, submit int) (int, syscall.Errno) { return r.enterKernel(min(submit, 7), 0, 0) }},
		"takes a few, then has no memory": {enter: func(r *ring, nth, submit int) (int, syscall.Errno) {
			if nth%2 == 1 {
				return 0, syscall.EAGAIN
			}
			return r.enterKernel(min(submit, 7), 0, 0)
		}},
		"is busy":      {enter: func(*ring, int, int) (int, syscall.Errno) { return 0, syscall.EBUSY }},
		"takes none":   {enter: func(*ring, int, int) (int, syscall.Errno) { return 0, 0 }},
		"is forbidden": {enter: func(*ring, int, int) (int, syscall.Errno) { return 0, syscall.EPERM }, failed: syscall.EPERM},
		"takes a few, then is forbidden": {failed: syscall.EPERM, enter: func(r *ring, nth, submit int) (int, syscall.Errno) {
			if nth > 0 {
				return 0, syscall.EPERM
			}
			return r.enterKernel(min(submit, 7), 0, 0)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onRings(t, func(t *testing.T, r *ring) {
				nth := 0
				r.enter = func(submit, await int, flags uint32) (int, syscall.Errno) {
					require.Zero(t, await)
					n, errno := c.enter(r, nth, submit)
					nth++
					return n, errno
				}
				p := newPairs(t, 50)
				for range 20 {
					p.exchange(t, r)
				}
				require.ErrorIs(t, r.failed, c.failed)
				if c.failed != nil {
					require.LessOrEqual(t, nth, 2, "it is not asked again")
				}
			})
		})
	}
}

// More results than the queue holds are kept by the kernel, which is asked for them.
func TestRingOverflows(t *testing.T) {
	onRings(t, func(t *testing.T, r *ring) {
		p := newPairs(t, ringSize)
		const batches = 5
		for range batches {
			p.addReceives(r)
			n := r.added
			r.added = 0
			require.Equal(t, n, r.submit(n))
		}
		require.Greater(t, batches*ringSize, len(r.done))
		r.collect(batches * ringSize)
		require.NoError(t, r.failed)
		p.exchange(t, r)
	})
}

// A call whose result is lost may have taken bytes: its connection must not go on.
func TestRingLosesResults(t *testing.T) {
	onRings(t, func(t *testing.T, r *ring) {
		r.enter = func(submit, await int, _ uint32) (int, syscall.Errno) {
			if await > 0 {
				return 0, syscall.EBADR
			}
			return submit, 0
		}
		p := newPairs(t, 2)
		p.addSends(r)
		r.carryOut()
		for i := range p.fds {
			_, errno := r.result(i)
			require.Equal(t, syscall.EIO, errno)
		}
		require.ErrorIs(t, r.failed, syscall.EBADR)
	})
}

// A flag that the kernel does not know leaves the older ones.
func TestRingOfAnOlderKernel(t *testing.T) {
	defer func(flags []uint32) { ringFlags = flags }(ringFlags)
	ringFlags = []uint32{1 << 30, 1<<30 | setupSubmitAll, 0}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	r, err := openRing()
	if err != nil {
		t.Skipf("no io_uring here: %v", err)
	}
	defer r.close()
	newPairs(t, 10).exchange(t, r)
	ringFlags = ringFlags[:1]
	_, err = openRing()
	require.ErrorIs(t, err, syscall.EINVAL)
}

// Where io_uring is forbidden, loops go without it. Containers forbid it so.
func TestLoopsWhereRingsAreForbidden(t *testing.T) {
	const variable = "FORBID_IO_URING"
	if forbidden := os.Getenv(variable); forbidden != "" {
		errno, err := strconv.Atoi(forbidden)
		require.NoError(t, err)
		require.NoError(t, forbid(unix.SYS_IO_URING_SETUP, syscall.Errno(errno)))
		loops := sharingLoops(t)
		require.ErrorIs(t, IOUring(loops), syscall.Errno(errno))
		client, conn, events := acceptedPair(t, loops)
		client.Write(sharedFrame)
		onLoop(conn, events.next(t).(*Chunk).Release)
		return
	}
	for _, errno := range []syscall.Errno{syscall.EPERM, syscall.ENOSYS} {
		cmd := exec.Command(os.Args[0], "-test.v", "-test.run=^TestLoopsWhereRingsAreForbidden$")
		cmd.Env = append(os.Environ(), variable+"="+strconv.Itoa(int(errno)))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "--- PASS: TestLoopsWhereRingsAreForbidden")
	}
}

// forbid has a system call of this process return an error from now on.
func forbid(number uint32, errno syscall.Errno) error {
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: number, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	_, _, failed := syscall.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&program)))
	runtime.KeepAlive(filter)
	if failed != 0 {
		return failed
	}
	return nil
}

func TestIOUringIsForLoops(t *testing.T) {
	require.ErrorIs(t, IOUring(&Net{}), errors.ErrUnsupported)
}
