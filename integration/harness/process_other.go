//go:build !linux

package harness

import (
	"errors"
	"net"
	"syscall"
)

// dieWithParent does nothing here: only Linux has a parent-death signal.
func dieWithParent() *syscall.SysProcAttr { return nil }

// connection, connections and socketsOf need /proc: elsewhere nothing is seen.
type connection struct {
	inode      string
	remotePort int
	own        bool
}

func connections() ([]connection, error) { return nil, nil }
func socketsOf(int) ([]string, error)    { return nil, nil }

// ownAddress is any: elsewhere the harness needs no address of its own.
var ownAddress net.IP

// outsideAddress is any: elsewhere there is one loopback address.
const outsideAddress = "127.0.0.1"

// Freeze, Thaw and HangUp need the signals of Linux.
func (p *Process) Freeze() error { return errors.ErrUnsupported }
func (p *Process) Thaw() error   { return errors.ErrUnsupported }
func (p *Process) HangUp() error { return errors.ErrUnsupported }
