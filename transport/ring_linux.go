package transport

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ring is an io_uring that makes many receives and sends in one system call. None of them waits (messageFlags), so all have
// ended when carryOut returns: the kernel never keeps a buffer, and there is nothing to cancel. Readiness comes from epoll,
// as without a ring. The names are those of io_uring(7) and linux/io_uring.h.
//
// A ring belongs to the thread that opened it.
type ring struct {
	fd      int
	sqTail  *uint32
	cqHead  *uint32
	cqTail  *uint32
	sqMask  uint32
	cqMask  uint32
	calls   []sqe
	done    []cqe
	tail    uint32          // where the next call goes
	added   int             // calls since the last carryOut
	results [ringSize]int32 // of the last carryOut: what each call returned, an error as a negative number
	fewest  int             // calls that are worth the ring
	failed  error           // the ring is no longer used: carryOut makes the calls one by one
	mapped  [][]byte

	enter func(submit, await int, flags uint32) (submitted int, errno syscall.Errno) // io_uring_enter
}

// ringSize is how many calls can be made at once.
const ringSize = 256

// sqe is struct io_uring_sqe, a call. addr is not a pointer: it lies in memory that the garbage collector must not look at,
// and the caller keeps the buffer.
type sqe struct {
	op, flags uint8
	ioprio    uint16
	fd        int32
	off       uint64
	addr      uint64
	len       uint32
	msgFlags  uint32
	userData  uint64
	_         [3]uint64
}

// cqe is struct io_uring_cqe, a result.
type cqe struct {
	userData uint64
	res      int32
	flags    uint32
}

// ringParams is struct io_uring_params.
type ringParams struct {
	sqEntries, cqEntries, flags, sqThreadCPU, sqThreadIdle, features, wqFD uint32
	_                                                                      [3]uint32
	sq                                                                     struct {
		head, tail, mask, entries, flags, dropped, array, _ uint32
		_                                                   uint64
	}
	cq struct {
		head, tail, mask, entries, overflow, cqes, flags, _ uint32
		_                                                   uint64
	}
}

const (
	opSend = 26
	opRecv = 27

	setupSubmitAll    = 1 << 7  // an error of one call does not hold up the others (5.18)
	setupSingleIssuer = 1 << 12 // one thread (6.0)
	setupDeferTaskrun = 1 << 13 // the kernel does not interrupt that thread (6.1)
	setupNoSQArray    = 1 << 16 // calls are taken in their order (6.6)

	featSingleMmap = 1 << 0 // (5.4)
	featNoDrop     = 1 << 1 // no result is lost (5.5)

	enterGetEvents = 1 << 0

	offsetSQEs = 0x10000000
)

// ringFlags are tried in turn: those of Linux 6.6, of 6.1 (Debian 12), and of older ones.
var ringFlags = []uint32{
	setupSubmitAll | setupSingleIssuer | setupDeferTaskrun | setupNoSQArray,
	setupSubmitAll | setupSingleIssuer | setupDeferTaskrun,
	0,
}

// openRing opens the best ring that the system has, and tries it. Many containers forbid io_uring, as does
// kernel.io_uring_disabled.
func openRing() (r *ring, err error) {
	for _, flags := range ringFlags {
		if r, err = newRing(flags); !errors.Is(err, syscall.EINVAL) { // EINVAL: a flag is unknown
			return r, err
		}
	}
	return nil, err
}

func newRing(flags uint32) (*ring, error) {
	p := ringParams{flags: flags}
	fd, _, errno := syscall.RawSyscall(unix.SYS_IO_URING_SETUP, ringSize, uintptr(unsafe.Pointer(&p)), 0)
	if errno != 0 {
		return nil, os.NewSyscallError("io_uring_setup", errno)
	}
	r := &ring{fd: int(fd), fewest: 2} // the kernel has set close-on-exec
	r.enter = r.enterKernel
	err := r.mapMemory(&p)
	if err == nil {
		err = r.try()
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// mapMemory maps what the kernel and we share.
func (r *ring) mapMemory(p *ringParams) error {
	if p.features&featSingleMmap == 0 || p.features&featNoDrop == 0 {
		return errors.New("the io_uring of this kernel is too old")
	}
	queues, err := r.mmap(0, max(p.sq.array+p.sqEntries*4, p.cq.cqes+p.cqEntries*uint32(unsafe.Sizeof(cqe{}))))
	if err != nil {
		return err
	}
	calls, err := r.mmap(offsetSQEs, p.sqEntries*uint32(unsafe.Sizeof(sqe{})))
	if err != nil {
		return err
	}
	at := func(offset uint32) *uint32 { return (*uint32)(unsafe.Pointer(&queues[offset])) }
	r.sqTail, r.sqMask = at(p.sq.tail), *at(p.sq.mask)
	r.cqHead, r.cqTail, r.cqMask = at(p.cq.head), at(p.cq.tail), *at(p.cq.mask)
	r.calls = unsafe.Slice((*sqe)(unsafe.Pointer(&calls[0])), p.sqEntries)
	r.done = unsafe.Slice((*cqe)(unsafe.Pointer(&queues[p.cq.cqes])), p.cqEntries)
	r.tail = *r.sqTail
	if p.flags&setupNoSQArray == 0 { // then the kernel is told the order of calls
		for i := range p.sqEntries {
			*at(p.sq.array + 4*i) = i
		}
	}
	return nil
}

func (r *ring) mmap(offset int64, size uint32) ([]byte, error) {
	b, err := unix.Mmap(r.fd, offset, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return nil, os.NewSyscallError("mmap", err)
	}
	r.mapped = append(r.mapped, b)
	return b, nil
}

// try finds out whether calls work as they must: sandboxes may know the system call and not what it is asked for.
func (r *ring) try() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socketpair", err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	in, out := getBuffer(4)[:4], getBuffer(4)[:4]
	defer putBuffer(in)
	defer putBuffer(out)
	copy(out, "ring")
	r.receive(pair[0], in)
	r.send(pair[1], out)
	r.receive(pair[0], in)
	r.carryOut()
	_, none := r.result(0)
	sent, errSend := r.result(1)
	received, errReceive := r.result(2)
	switch {
	case r.failed != nil:
		return r.failed
	case none != syscall.EAGAIN || errSend != 0 || errReceive != 0 || sent != len(out) || string(in[:received]) != string(out):
		return fmt.Errorf("io_uring does not work as it should: received %d, sent %d, %w",
			received, sent, cmp.Or(errReceive, errSend, none))
	}
	return nil
}

func (r *ring) close() {
	for _, m := range r.mapped {
		unix.Munmap(m)
	}
	unix.Close(r.fd)
}

// receive and send add a call; calls are numbered from 0 on after each carryOut, and there are at most ringSize. The caller
// keeps b, which must not lie on a stack.
func (r *ring) receive(fd int, b []byte) { r.add(opRecv, fd, b) }

func (r *ring) send(fd int, b []byte) { r.add(opSend, fd, b) }

func (r *ring) add(op uint8, fd int, b []byte) {
	r.calls[r.tail&r.sqMask] = sqe{
		op: op, fd: int32(fd), addr: uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b)))), len: uint32(len(b)),
		msgFlags: messageFlags, userData: uint64(r.added),
	}
	r.tail++
	r.added++
}

// result is how a call of the last carryOut has ended.
func (r *ring) result(n int) (int, syscall.Errno) {
	if res := r.results[n]; res < 0 {
		return 0, syscall.Errno(-res)
	}
	return int(r.results[n]), 0
}

// carryOut makes all calls that were added. Each has its result afterwards, whatever happens to the ring: what the
// kernel does not take is called directly, as are a few calls, which are cheaper so.
func (r *ring) carryOut() {
	n := r.added
	r.added = 0
	submitted := 0
	if n >= r.fewest && r.failed == nil {
		submitted = r.submit(n)
	}
	for i := submitted; i < n; i++ {
		r.callDirectly(&r.calls[(r.tail-uint32(n-i))&r.sqMask])
	}
	r.tail -= uint32(n - submitted)
	atomic.StoreUint32(r.sqTail, r.tail)
	r.collect(submitted)
}

// submit gives the last n calls to the kernel and returns how many it has taken. It may take only some, when it has no
// memory (EAGAIN) or, before 5.18, when a call is in error.
func (r *ring) submit(n int) (submitted int) {
	for i := range n {
		r.results[i] = -int32(syscall.EIO) // what a connection is told whose result is lost
	}
	atomic.StoreUint32(r.sqTail, r.tail)
	for submitted < n {
		taken, errno := r.enter(n-submitted, 0, 0)
		switch {
		case errno == 0 && taken > 0:
			submitted += taken
		case errno == syscall.EINTR:
		case errno == 0 || errno == syscall.EAGAIN || errno == syscall.EBUSY:
			return submitted
		default:
			r.failed = os.NewSyscallError("io_uring_enter", errno)
			return submitted
		}
	}
	return submitted
}

// collect takes the results of n calls. They are there already, unless there were more than the queue holds: then the
// kernel keeps them until it is asked.
func (r *ring) collect(n int) {
	for {
		head, tail := *r.cqHead, atomic.LoadUint32(r.cqTail)
		for ; head != tail; head++ {
			e := &r.done[head&r.cqMask]
			r.results[e.userData] = e.res
			n--
		}
		atomic.StoreUint32(r.cqHead, head)
		if n <= 0 {
			return
		}
		if _, errno := r.enter(0, n, enterGetEvents); errno != 0 && errno != syscall.EINTR {
			r.failed = os.NewSyscallError("io_uring_enter", errno)
			return
		}
	}
}

func (r *ring) enterKernel(submit, await int, flags uint32) (int, syscall.Errno) {
	n, _, errno := syscall.RawSyscall6(unix.SYS_IO_URING_ENTER, uintptr(r.fd), uintptr(submit), uintptr(await), uintptr(flags), 0, 0)
	return int(n), errno
}

// callDirectly makes a call without the ring.
func (r *ring) callDirectly(c *sqe) {
	number := uintptr(unix.SYS_RECVFROM)
	if c.op == opSend {
		number = unix.SYS_SENDTO
	}
	n, _, errno := syscall.RawSyscall6(number, uintptr(c.fd), uintptr(c.addr), uintptr(c.len), uintptr(c.msgFlags), 0, 0)
	r.results[c.userData] = int32(n)
	if errno != 0 {
		r.results[c.userData] = -int32(errno)
	}
}
