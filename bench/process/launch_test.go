//go:build linux

package process

import (
	"errors"
	"os/exec"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhoEndsBeforeItsFirstAnswerSaysWhy(t *testing.T) {
	r, err := Launch("a candidate", exec.Command("sh", "-c", "echo no port; exit 3"), syscall.SIGKILL)
	require.NoError(t, err)
	err = r.Await(func() error { return errors.New("not yet") })
	require.ErrorContains(t, err, "a candidate ended before its first answer (exit status 3):\nno port")
	r.Stop()
}

func TestLaunch(t *testing.T) {
	_, err := Launch("a candidate", exec.Command(t.TempDir()+"/nothing"), syscall.SIGKILL)
	require.ErrorContains(t, err, "cannot start a candidate")

	r, err := Launch("a candidate", exec.Command("sleep", "600"), syscall.SIGKILL)
	require.NoError(t, err)
	asked := 0
	require.NoError(t, r.Await(func() error {
		if asked++; asked < 3 {
			return errors.New("not yet")
		}
		return nil
	}))
	require.Equal(t, 3, asked)
	require.Positive(t, r.Started)
	r.Stop()
	require.ErrorContains(t, r.why, "killed")
}
