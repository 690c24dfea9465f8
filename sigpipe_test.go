//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The process that reads the log ends, as a collector does that is restarted: the proxy goes on, and drains when it is told to.
func TestTheReaderOfTheLogMayEnd(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestDevProcess$")
	log, collector, err := os.Pipe()
	require.NoError(t, err)
	cmd.Stderr = collector
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	startDev(t, cmd)
	require.NoError(t, collector.Close())
	lines := bufio.NewScanner(stdout)
	admin := ""
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "self-check passed") {
		if _, url, found := strings.Cut(lines.Text(), ", admin "); found {
			admin = url
		}
	}
	require.NoError(t, log.Close())
	require.NoError(t, cmd.Process.Signal(syscall.SIGHUP)) // dev cannot reload, and says so as an error
	require.Eventually(t, func() bool {
		answer, err := http.Get(admin + "/metrics")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		return err == nil && strings.Contains(string(text), `rocketmq_proxy_reloads_total{result="failure"} 1`)
	}, 30*time.Second, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	for lines.Scan() {
	}
	require.NoError(t, cmd.Wait())
}
