package server

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// systemd hears when the proxy is ready, reloads, is ready again, and stops.
func TestSystemdIsNotified(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	nc, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer nc.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	says := func(want string) {
		t.Helper()
		nc.SetReadDeadline(time.Now().Add(patience))
		text := make([]byte, 1000)
		n, err := nc.Read(text)
		require.NoError(t, err)
		require.Regexp(t, want, string(text[:n]))
	}
	base := office(rocketMQ(t, embedded.Options{}), "127.0.0.1:0", "")
	f := serveFile(t, base)
	says("^READY=1$")
	f.change(base)
	says("^RELOADING=1\nMONOTONIC_USEC=[0-9]+\n?$")
	says("^READY=1$")
	f.write("nonsense = 1\n")
	_, err = f.Reload()
	require.Error(t, err)
	says("^RELOADING=1\n")
	says("^READY=1$")
	f.Drain()
	says("^STOPPING=1$")
}

// A supervisor that stands still and reads nothing keeps no proxy from ending.
func TestDrainGoesOnWhenSystemdDoesNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	nc, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer nc.Close()
	full, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer full.Close()
	for err == nil {
		full.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
		_, err = full.Write([]byte("x"))
	}
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	t.Setenv("NOTIFY_SOCKET", path)
	s := serveFile(t, office(rocketMQ(t, embedded.Options{}), "127.0.0.1:0", ""))
	s.Drain()
	select {
	case <-s.ended:
	case <-time.After(patience):
		t.Fatal("the drain waits for systemd")
	}
}
