//go:build unix

package server

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// hangs replaces a file by one that cannot be read until the test ends, as on a network file system whose server is away.
func hangs(t *testing.T, file string) {
	t.Helper()
	require.NoError(t, os.Remove(file))
	require.NoError(t, syscall.Mkfifo(file, 0o600))
	t.Cleanup(func() {
		if writer, err := os.OpenFile(file, os.O_RDWR, 0); err == nil { // what waits to read goes on
			writer.Close()
		}
	})
}

// drains wants a drain to come to its end.
func (f *fixture) drains() {
	f.t.Helper()
	f.Drain()
	select {
	case err := <-f.served:
		require.NoError(f.t, err)
		f.served <- nil // for the clean-up
	case <-time.After(patience):
		f.t.Fatalf("the drain waits:\n%s", f.log)
	}
}

// A configuration that cannot be read at the moment keeps no proxy from draining. Reloads that wait for it are refused
// then, and have not failed.
func TestADrainDoesNotWaitForAReload(t *testing.T) {
	f := serveFile(t, office(rocketMQ(t, embedded.Options{}), "127.0.0.1:0", ""))
	hangs(t, f.file)
	late := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := f.Reload()
			late <- err
		}()
	}
	f.await(func() bool { return len(f.turn) == 1 }, "a reload reads")
	f.drains()
	require.ErrorIs(t, <-late, errDraining, "the one that waits for its turn")
	require.Zero(t, f.reloads.failures.Get())
}

// Certificates that cannot be read at the moment keep no proxy from draining: neither when they are looked at by
// themselves, nor when a reload does.
func TestADrainDoesNotWaitForCertificates(t *testing.T) {
	dir := t.TempDir()
	pair := testca.New(t).Files(t, dir, "mq")
	f := serveFile(t, office(rocketMQ(t, embedded.Options{}), "127.0.0.1:0", "tls = { mode = 'permissive', certificate = '"+pair.Certificate+"', key = '"+pair.Key+"' }"))
	hangs(t, pair.Key)
	go f.Reload()
	f.await(func() bool { return len(f.turn) == 1 }, "a reload reads")
	f.drains()
}

// A reload during a drain is refused in good order: it is not a failure, and systemd hears nothing after STOPPING.
func TestAReloadDuringADrainIsNotAFailure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	nc, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	defer nc.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, office(cl, "127.0.0.1:0", ""))
	hears := func() string {
		text := make([]byte, 1000)
		n, err := nc.Read(text)
		require.NoError(t, err)
		return string(text[:n])
	}
	require.Equal(t, "READY=1", hears())
	held := cl.Broker("broker-a").Fault(codec.ReqSendMessageV2, embedded.Hold())
	defer held.Release()
	f.toBroker("office", "broker-a").Send(sendRequest("in flight")) // so that the drain lasts
	require.NoError(t, held.WaitHits(t.Context(), 1))
	f.Drain()
	f.await(func() bool { return !f.Ready() }, "the drain begins")
	status, body := f.request("POST", "/reload", fixtureToken)
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, "cannot reload: the proxy is draining\n", body)
	require.True(t, f.log.Has("level=INFO", "reload refused", "the proxy is draining"))
	require.False(t, f.log.Has("level=ERROR"))
	_, page := f.request("GET", "/metrics", fixtureToken)
	require.Contains(t, page, `rocketmq_proxy_reloads_total{result="failure"} 0`)
	require.Contains(t, page, "rocketmq_proxy_config_last_reload_successful 1")
	require.Equal(t, "STOPPING=1", hears())
	nc.SetReadDeadline(time.Now())
	_, err = nc.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}
