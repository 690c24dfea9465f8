package server

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// A listener that is gone is not in the metrics, and its files are not looked at; one that comes back starts at 0.
func TestARemovedListenerIsForgotten(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	dir := t.TempDir()
	pair := testca.New(t).Files(t, dir, "mq")
	kept := "drain_timeout = '2s'\n" + clusterTable("main", cl.NameServers()...) + listenerTable("kept", "127.0.0.1:0", "")
	gone := listenerTable("gone", "127.0.0.1:0", "tls = { mode = 'permissive', certificate = '"+pair.Certificate+"', key = '"+pair.Key+"' }")
	f := serveFile(t, kept)
	metrics := func() string { _, text := f.request("GET", "/metrics", fixtureToken); return text }
	series := func(listener string) int { return strings.Count(metrics(), `listener="`+listener+`"`) }
	f.toBroker("kept", "broker-a").mustSend("hello")
	f.await(func() bool { return series("kept") > 10 }, "what the others have")
	for range 2 {
		f.change(kept + gone)
		f.await(func() bool { return f.Addr("gone") != "" }, "it opens")
		f.toBroker("gone", "broker-a").mustSend("hello")
		f.await(func() bool {
			return series("gone") > 10 && strings.Contains(metrics(), `requests_total{listener="gone"`)
		}, "it is shown")
		f.change(kept)
		f.await(func() bool { return series("gone") == 0 }, "it is forgotten")
	}
	require.NoError(t, os.RemoveAll(dir))
	require.Empty(t, f.change(kept).BadFiles)
	require.Zero(t, series("gone"))
	require.Greater(t, series("kept"), 10)
}

// The files of a listener that a failed reload would have brought are not looked at.
func TestAFailedReloadWatchesNoFiles(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	taken := listenLocally(t)
	dir := t.TempDir()
	pair := testca.New(t).Files(t, dir, "mq")
	base := office(cl, "127.0.0.1:0", "")
	f := serveFile(t, base)
	f.write(base + listenerTable("secured", "127.0.0.1:0", "tls = { mode = 'required', certificate = '"+pair.Certificate+"', key = '"+pair.Key+"' }") +
		listenerTable("taken", taken.Addr().String(), ""))
	_, err := f.Reload()
	require.Error(t, err)
	require.NoError(t, os.Remove(filepath.Join(dir, "mq.key")))
	require.Empty(t, f.change(base).BadFiles)
	_, text := f.request("GET", "/metrics", fixtureToken)
	require.NotContains(t, text, `listener="secured"`)
}

// An address that another process has is refused, though a listener of ours has the same port on another host.
func TestAnAddressOfAnotherProcessIsRefused(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	address := freePort(t)
	_, port, err := net.SplitHostPort(address)
	require.NoError(t, err)
	other, err := net.Listen("tcp", "127.0.0.2:"+port)
	if err != nil {
		t.Skip("this system has no 127.0.0.2")
	}
	defer other.Close()
	base := office(cl, address, "")
	f := serveFile(t, base)
	before := f.proxy.Tree()
	f.write(base + listenerTable("second", "127.0.0.2:"+port, ""))
	status, body := f.request("POST", "/reload", fixtureToken)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, body, `cannot open listener "second" on 127.0.0.2:`+port)
	require.Same(t, before, f.proxy.Tree())
	f.toBroker("office", "broker-a").mustSend("nothing has changed")
}
