//go:build linux

package main

import (
	"errors"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhoEndsBeforeItsFirstAnswerSaysWhy(t *testing.T) {
	r, err := launch("a candidate", exec.Command("sh", "-c", "echo no port; exit 3"))
	require.NoError(t, err)
	err = r.await(func() error { return errors.New("not yet") })
	require.ErrorContains(t, err, "a candidate ended before its first answer (exit status 3):\nno port")
	r.stop()
}

func TestLaunch(t *testing.T) {
	_, err := launch("a candidate", exec.Command(t.TempDir()+"/nothing"))
	require.ErrorContains(t, err, "cannot start a candidate")

	r, err := launch("a candidate", exec.Command("sleep", "600"))
	require.NoError(t, err)
	asked := 0
	require.NoError(t, r.await(func() error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	}))
	require.Equal(t, 3, asked)
	require.Positive(t, r.started)
	r.stop()
	require.ErrorContains(t, r.why, "killed")
}
