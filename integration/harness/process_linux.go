package harness

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// dieWithParent makes the kernel end a child when the test process ends in a way that runs no cleanup, as the
// panic of `go test -timeout` does.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// Freeze stops a process as a machine that hangs would.
func (p *Process) Freeze() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (p *Process) Thaw() error { return p.cmd.Process.Signal(syscall.SIGCONT) }

// HangUp sends SIGHUP.
func (p *Process) HangUp() error { return p.cmd.Process.Signal(syscall.SIGHUP) }

// connection is a TCP connection that is open or being opened.
type connection struct {
	inode      string // of its socket
	remotePort int
	own        bool // it comes from ownAddress
}

// ownAddress is what the harness itself connects from, so that the watch tells its connections from those of clients.
var ownAddress = net.IPv4(127, 0, 0, 9)

// outsideAddress is a loopback address that no server has.
const outsideAddress = "127.0.0.8"

// connections returns those of all processes. Each line of the kernel's tables has, counted from 0, the local address in
// field 1, the remote one in field 2, the state in field 3 and the inode in field 9.
func connections() (all []connection, err error) {
	const established, synSent = "01", "02"
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, err := os.ReadFile(table)
		if err != nil {
			return nil, fmt.Errorf("cannot see which process is connected to what: %w", err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != established && f[3] != synSent {
				continue
			}
			_, hex, _ := strings.Cut(f[2], ":")
			port, err := strconv.ParseUint(hex, 16, 16)
			if err != nil {
				return nil, fmt.Errorf("cannot read %s: %w", table, err)
			}
			all = append(all, connection{inode: f[9], remotePort: int(port), own: strings.HasPrefix(f[1], "0900007F:")})
		}
	}
	return all, nil
}

// socketsOf returns the inodes of a process's sockets; none when it has ended.
func socketsOf(pid int) ([]string, error) {
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nil, err
	}
	var inodes []string
	for _, descriptor := range descriptors {
		if to, err := os.Readlink(descriptor); err == nil { // an error: closed since
			if inode, isSocket := strings.CutPrefix(to, "socket:["); isSocket {
				inodes = append(inodes, strings.TrimSuffix(inode, "]"))
			}
		}
	}
	return inodes, nil
}
