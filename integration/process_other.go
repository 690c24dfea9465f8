//go:build !linux

package integration

import (
	"errors"
	"syscall"
)

// dieWithParent does nothing here: only Linux has a parent-death signal.
func dieWithParent() *syscall.SysProcAttr { return nil }

// connectedTo knows nothing here.
func connectedTo(int) (map[int]bool, error) { return nil, nil }

func (p *process) freeze() error { return errors.ErrUnsupported }
func (p *process) thaw() error   { return errors.ErrUnsupported }
func (p *process) hangUp() error { return errors.ErrUnsupported }
