//go:build !linux

package integration

import "syscall"

// dieWithParent does nothing here: only Linux has a parent-death signal.
func dieWithParent() *syscall.SysProcAttr { return nil }

// connectedTo knows nothing here.
func connectedTo(int) (map[int]bool, error) { return nil, nil }
