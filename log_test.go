package main

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

type point struct{ X, Y int }

// A line says the same in every format: no bare nanoseconds, no Go structs, no secrets.
func TestLogLinesReadAlike(t *testing.T) {
	var out bytes.Buffer
	p := &program{stderr: &out}
	f := func(log *slog.Logger, want string) {
		t.Helper()
		out.Reset()
		log.Warn("broker unreachable", "after", 1500*time.Millisecond, "error", errors.New(`cannot push to "http://me:hush1@h/?token=hush2"`),
			"address", netip.MustParseAddrPort("10.0.0.1:9876"), "url", "http://me:hush1@h/", "none", (*time.Location)(nil), "count", 3, "point", point{1, 2},
			"list", []string{"a", "b"})
		_, line, _ := strings.Cut(out.String(), "W") // behind the time
		require.Equal(t, want, line)
	}
	text, _ := p.newLog(config.Log{Level: "info", Format: "text"}, &out)
	f(text, `ARN msg="broker unreachable" after=1.5s error="cannot push to \"http://xxxxx@h/?token=xxxxx\"" address=10.0.0.1:9876 url=http://xxxxx@h/ none="" count=3 point="{1 2}" list="a, b"`+"\n")
	json, _ := p.newLog(config.Log{Level: "info", Format: "json"}, &out)
	f(json, `ARN","msg":"broker unreachable","after":"1.5s","error":"cannot push to \"http://xxxxx@h/?token=xxxxx\"","address":"10.0.0.1:9876","url":"http://xxxxx@h/","none":"","count":3,"point":"{1 2}","list":["a","b"]}`+"\n")
	p.env = []string{"NO_COLOR=1"}
	terminal := slog.New(p.terminalLog(&out, slog.LevelInfo))
	f(terminal, `RN broker unreachable after=1.5s error="cannot push to \"http://xxxxx@h/?token=xxxxx\"" address=10.0.0.1:9876 url=http://xxxxx@h/ none="" count=3 point="{1 2}" list="a, b"`+"\n")
	require.NotContains(t, out.String(), "\x1b")
	p.env = nil
	slog.New(p.terminalLog(&out, slog.LevelInfo)).Warn("broker unreachable")
	require.Contains(t, out.String(), "\x1b", "a terminal has colors unless NO_COLOR is set")
}

// Why serve ended is a line of the log, in its format.
func TestServeLogsWhyItEnded(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	code, _, stderr := call([]string{"ROCKETMQ_PROXY_LOG__FORMAT=json"}, "serve", "--name-server", "127.0.0.1:1", "--listen", "127.0.0.1:0",
		"--admin", taken.Addr().String(), "--broker-ports", "0", "--log-level", "error")
	require.Equal(t, 1, code)
	require.Regexp(t, `^\{"time":"[^"]+","level":"ERROR","msg":"stopped by an error","error":"cannot open the admin address .*"\}\n$`, stderr)
}
