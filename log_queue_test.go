package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// frozen is a writer whose reader stands still until it is closed.
type frozen struct {
	thaw chan struct{}
	text bytes.Buffer
}

func (f *frozen) Write(b []byte) (int, error) {
	<-f.thaw
	return f.text.Write(b)
}

// A log that nobody reads costs lines and no time; when it is read again it says how many are missing.
func TestALogThatNobodyReadsHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &frozen{thaw: make(chan struct{})}
		log, _, flush := (&program{stderr: out}).startLog(config.Log{Level: "info", Format: "text"})
		begun := time.Now()
		log.Info("first")
		synctest.Wait() // it is being written
		for i := range logQueueLines + 7 {
			log.Info("line", "number", i)
		}
		require.Zero(t, time.Since(begun))
		close(out.thaw)
		flush()
		lines := strings.Split(strings.TrimSpace(out.text.String()), "\n")
		require.Len(t, lines, logQueueLines+2)
		require.Contains(t, lines[0], "msg=first")
		require.Contains(t, lines[1], `level=WARN msg="log lines lost, standard error was full" count=7`)
		require.Contains(t, lines[2], "msg=line number=0")
		require.Contains(t, lines[len(lines)-1], fmt.Sprintf("msg=line number=%d", logQueueLines-1))
	})
}

// The end of the process waits a moment for the last lines, and not for longer.
func TestTheEndWaitsAMomentForTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := &frozen{thaw: make(chan struct{})}
		log, _, flush := (&program{stderr: out}).startLog(config.Log{Level: "info", Format: "json"})
		for range 2 * logQueueLines {
			log.Log(t.Context(), slog.LevelError, "more than fits")
		}
		begun := time.Now()
		flush()
		require.Equal(t, logFlushTimeout, time.Since(begun))
		close(out.thaw)
		flush()
	})
}
