package harness

import (
	"bufio"
	"fmt"
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

// connectedTo returns the remote ports of the TCP connections that a process has.
func connectedTo(pid int) (map[int]bool, error) {
	sockets := make(map[string]bool) // inodes of this process's sockets
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		return nil, err
	}
	for _, descriptor := range descriptors {
		if target, err := os.Readlink(descriptor); err == nil { // an error: closed since
			if inode, isSocket := strings.CutPrefix(target, "socket:["); isSocket {
				sockets[strings.TrimSuffix(inode, "]")] = true
			}
		}
	}
	ports := make(map[int]bool)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		if err := addRemotePorts(ports, table, sockets); err != nil {
			return nil, err
		}
	}
	return ports, nil
}

// addRemotePorts reads a kernel table: fields 2 and 9 (from 0) of each line are the remote address and the inode.
func addRemotePorts(ports map[int]bool, table string, sockets map[string]bool) error {
	file, err := os.Open(table)
	if err != nil {
		return fmt.Errorf("cannot see who is connected to what: %w", err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Scan() // titles
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || !sockets[fields[9]] {
			continue
		}
		_, hexPort, _ := strings.Cut(fields[2], ":")
		port, err := strconv.ParseUint(hexPort, 16, 16)
		if err != nil {
			return fmt.Errorf("cannot read %s: %w", table, err)
		}
		ports[int(port)] = true
	}
	return lines.Err()
}
