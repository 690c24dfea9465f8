//go:build unix

package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

const quitVariable = "ROCKETMQ_PROXY_TEST_QUIT"

// TestDevProcess is the process of the test below.
func TestDevProcess(t *testing.T) {
	if os.Getenv(quitVariable) == "" {
		t.Skip("it is a process of another test")
	}
	os.Exit(run([]string{"dev", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, nil, os.Stdout, os.Stderr))
}

// startDev starts it. It does not outlive a test that fails.
func startDev(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Env = append(os.Environ(), quitVariable+"=1")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() }) // it has mostly ended
}

// Nothing of ours takes SIGQUIT away from the run time, which dumps all goroutines and ends the process.
func TestQuitDumpsGoroutines(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestDevProcess$")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	startDev(t, cmd)
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "self-check passed") {
	}
	require.NoError(t, cmd.Process.Signal(syscall.SIGQUIT))
	for lines.Scan() {
	}
	require.Error(t, cmd.Wait())
	require.Equal(t, 2, cmd.ProcessState.ExitCode())
	for _, part := range []string{"SIGQUIT: quit", "goroutine 1 ", "server.(*Server).Serve", "transport.(*netListener).acceptLoop"} {
		require.True(t, strings.Contains(errs.String(), part), "the dump lacks %q", part) // too long to print
	}
}
