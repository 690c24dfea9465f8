package main

import (
	"bytes"
	stdlog "log"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	libraries "github.com/rocketmq-proxy/rocketmq-proxy/stdlog"
)

// disk has room for some bytes; a write that does not fit leaves what fits.
type disk struct {
	room int
	text bytes.Buffer
}

func (d *disk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	d.room -= n
	d.text.Write(b[:n])
	if n < len(b) {
		return n, syscall.ENOSPC
	}
	return n, nil
}

// Lines that a full disk does not take are counted and told when there is room again, and half of one spoils no other.
func TestLinesForAFullDiskAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := &disk{room: 100}
		log, _, flush := (&program{stderr: full}).startLog(config.Log{Level: "info", Format: "json"})
		log.Info("first")
		for range 5 {
			log.Info("lost", "text", strings.Repeat("x", 50))
			synctest.Wait()
		}
		full.room = 10_000
		log.Info("last")
		flush()
		lines := strings.Split(strings.TrimSpace(full.text.String()), "\n")
		require.Len(t, lines, 4)
		require.Contains(t, lines[0], `"msg":"first"`)
		require.NotContains(t, lines[1], "}", "it is cut")
		require.Contains(t, lines[2], `"msg":"log lines lost, standard error was full","count":5}`)
		require.Contains(t, lines[3], `"msg":"last"}`)
	})
}

// What libraries print by themselves is a line of the log, in its format.
func TestLibrariesPrintIntoTheLog(t *testing.T) {
	out := &bytes.Buffer{}
	log, _ := (&program{stderr: out}).newLog(config.Log{Level: "info", Format: "json"}, out)
	redirectLibraries(log)
	defer libraries.Redirect(nil)
	stdlog.Printf("ERROR: metrics: cannot read %s", "/proc/self/stat")
	require.Contains(t, out.String(), `"level":"INFO","msg":"message of a library","text":"ERROR: metrics: cannot read /proc/self/stat"}`)
}
