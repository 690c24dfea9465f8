//go:build !linux

package harness

import (
	"errors"
	"syscall"
)

// dieWithParent does nothing here: only Linux has a parent-death signal.
func dieWithParent() *syscall.SysProcAttr { return nil }

// connectedTo knows nothing here.
func connectedTo(int) (map[int]bool, error) { return nil, nil }

// Freeze, Thaw and HangUp need the signals of Linux.
func (p *Process) Freeze() error { return errors.ErrUnsupported }
func (p *Process) Thaw() error   { return errors.ErrUnsupported }
func (p *Process) HangUp() error { return errors.ErrUnsupported }
