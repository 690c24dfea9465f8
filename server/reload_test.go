package server

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// A connection of a listener that no change concerns stays open and in use through all kinds of them.
func TestReloadLeavesOthersAlone(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{NameServers: 2})
	ns := cl.NameServers()
	kept := clusterTable("main", ns[0]) + listenerTable("kept", "127.0.0.1:0", "cluster = 'main'")
	moving := freePort(t)
	f := serveFile(t, kept)
	c, names := f.toBroker("kept", "broker-a"), dial(t, f.Addr("kept"))
	untouched := f.proxy.Tree().Listeners[0]

	stop, sent := make(chan struct{}), make(chan int)
	var failed atomic.Pointer[string]
	go func() {
		n := 0
		defer func() { sent <- n }()
		for ; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			answer, err := c.Try(sendRequest(fmt.Sprint(n)))
			if err != nil || answer.Code != codec.ResSuccess {
				why := fmt.Sprint(n, answer, err)
				failed.Store(&why)
				return
			}
		}
	}()
	other := clusterTable("other", ns[1])
	for i := range 5 {
		f.change(kept + other + listenerTable("office", moving, "cluster = 'other'\nadvertise = 'a.example.com'"))
		f.change(kept + other + listenerTable("office", moving, "cluster = 'other'\nadvertise = 'b.example.com'\nrewrite_message_ids = true"))
		f.change(kept + other + listenerTable("office", moving, "cluster = 'main'\nstat_prefix = 'office'"))
		f.change("timeouts = { idle = '1m' }\nlog = { level = 'debug' }\nlimits = { buffer_per_connection = '2MiB' }\n" + kept)
		f.change(strings.Replace(kept, ns[0], ns[(i+1)%2], 1))
		f.change(kept)
		names.Call(proxytest.RouteRequest("News"))
	}
	now := f.proxy.Tree().Listeners
	require.Len(t, now, 1)
	require.Same(t, untouched, now[0], "it was not even looked at")
	close(stop)
	n := <-sent
	require.Nil(t, failed.Load())
	require.Positive(t, n)
	require.Len(t, cl.Broker("broker-a").Messages("News"), n)
}

// A removed listener refuses new connections at once; what is in flight is answered, then its connection ends.
func TestRemovedListenerDrains(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	kept := clusterTable("main", cl.NameServers()...) + listenerTable("kept", "127.0.0.1:0", "")
	f := serveFile(t, kept+listenerTable("gone", "127.0.0.1:0", ""))
	address, idle, c := f.Addr("gone"), dial(t, f.Addr("gone")), f.toBroker("gone", "broker-a")
	idle.brokers("News")
	held := cl.Broker("broker-a").Fault(codec.ReqSendMessageV2, embedded.Hold().Once())
	c.Send(sendRequest("in flight"))
	require.NoError(t, held.WaitHits(t.Context(), 1))

	require.Equal(t, []string{`listener "gone" removed`}, f.change(kept).AtOnce)
	for _, closed := range []string{address, c.Conn.RemoteAddr().String()} {
		_, err := net.Dial("tcp", closed)
		require.Error(t, err)
	}
	idle.Ends()
	require.True(t, f.has("listener/gone"))
	held.Release()
	answer := c.Next()
	require.Equal(t, codec.ResSuccess, answer.Code)
	c.Ends()
	f.await(func() bool { return !f.has("listener/gone") }, "the listener is gone")
	f.toBroker("kept", "broker-a").mustSend("kept")
}

// What does not finish is cut off when drain_timeout is over; a listener of the same name can be back before that.
func TestRemovedListenerIsCutOff(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	kept := "drain_timeout = '3s'\n" + clusterTable("main", cl.NameServers()...) + listenerTable("kept", "127.0.0.1:0", "")
	gone := listenerTable("gone", freePort(t), "")
	f := serveFile(t, kept+gone)
	c := f.toBroker("gone", "broker-a")
	held := cl.Broker("broker-a").Fault(codec.ReqSendMessageV2, embedded.Hold().Once())
	c.Send(sendRequest("never answered"))
	require.NoError(t, held.WaitHits(t.Context(), 1))
	f.change(kept)
	f.change(kept + gone)
	f.await(func() bool { return f.Addr("gone") != "" }, "it is open again")
	f.await(func() bool { return f.connections() <= 1 }, "only the connection with a request in flight is left")
	f.toBroker("gone", "broker-a").mustSend("back")
	_, err := c.TryNext()
	require.Error(t, err)
	f.await(func() bool { return !f.has("listener/gone") && f.has("listener/gone#2") }, "the old one is gone")
	require.Contains(t, f.log.String(), "drain timeout, closing connections of removed listener")
}

// A file with errors changes nothing; all of them are told.
func TestBrokenFileChangesNothing(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	table := clusterTable("main", cl.NameServers()...) + listenerTable("office", "127.0.0.1:0", "")
	f := serveFile(t, table)
	c := f.toBroker("office", "broker-a")
	before := f.proxy.Tree()
	f.write("log = { level = 'debug', format = 'xml' }\n" + table + "advertise = '::'\nnonsense = 1\n")
	status, body := f.request("POST", "/reload", fixtureToken)
	require.Equal(t, http.StatusBadRequest, status)
	lines := strings.Split(strings.TrimSpace(body), "\n")
	require.Len(t, lines, 4, body)
	require.Equal(t, "cannot reload, nothing has changed", lines[0])
	require.Contains(t, lines[1], "nonsense")
	require.Contains(t, lines[2], "log.format")
	require.Contains(t, lines[3], `listener[0].advertise = "::"`)
	require.Same(t, before, f.proxy.Tree())
	require.Contains(t, f.log.String(), "cannot reload, nothing has changed")
	c.mustSend("still here")

	f.write("[[[")
	_, err := f.Reload()
	var bad *config.Problems
	require.ErrorAs(t, err, &bad)
	_, metrics := f.request("GET", "/metrics", "")
	require.Contains(t, metrics, `rocketmq_proxy_reloads_total{result="failure"} 2`)
	require.Contains(t, metrics, `rocketmq_proxy_reloads_total{result="success"} 0`)
	require.Contains(t, metrics, `rocketmq_proxy_config_last_reload_successful 0`)

	f.change(table)
	_, metrics = f.request("GET", "/metrics", "")
	require.Contains(t, metrics, `rocketmq_proxy_reloads_total{result="success"} 1`)
	require.Contains(t, metrics, `rocketmq_proxy_config_last_reload_successful 1`)
	require.Regexp(t, `rocketmq_proxy_config_last_reload_success_timestamp_seconds [1-9]`, metrics)
}

// So does a file that asks for what the machine does not give: addresses, files.
func TestReloadThatCannotBeCarriedOut(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	table := clusterTable("main", cl.NameServers()...) + listenerTable("office", "127.0.0.1:0", "")
	f := serveFile(t, table)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	free := freePort(t)
	before := f.proxy.Tree()
	f.write("log = { level = 'debug' }\n" + table + listenerTable("first", free, "") + listenerTable("second", taken.Addr().String(), ""))
	require.NoError(t, os.Remove(f.token))
	status, body := f.request("POST", "/reload", fixtureToken)
	require.Equal(t, http.StatusBadRequest, status)
	require.Contains(t, body, "admin.token_file")
	require.Contains(t, body, `cannot open listener "second" on `+taken.Addr().String())
	require.Same(t, before, f.proxy.Tree())
	require.Equal(t, "INFO", f.level.Level().String())
	again, err := net.Listen("tcp", free)
	require.NoError(t, err, "what was opened for the reload is closed again")
	again.Close()
}

// The answer has each change with its old and new value, and what a restart is needed for; it has that again until then,
// and the log has it as a warning.
func TestReloadTellsWhatItDid(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	table := clusterTable("main", cl.NameServers()...) + listenerTable("office", "127.0.0.1:0", "")
	f := serveFile(t, table)
	dir := t.TempDir()
	f.write("state_dir = '" + dir + "'\nlog = { level = 'debug', format = 'json' }\nlimits = { max_frame = '8MiB' }\n" + table)
	status, body := f.request("POST", "/reload", fixtureToken)
	require.Equal(t, http.StatusOK, status)
	restart := "not changed, needs a restart: state_dir: \"\" → \"" + dir + "\"\nnot changed, needs a restart: log.format: \"text\" → \"json\"\n"
	require.Equal(t, "reloaded\nchanged: log.level: \"info\" → \"debug\"\nchanged for new connections: limits.max_frame: \"16MiB\" → \"8MiB\"\n"+restart, body)
	require.Equal(t, "DEBUG", f.level.Level().String())
	require.Contains(t, f.log.String(), "level=WARN msg=reloaded")
	require.NotContains(t, f.log.String(), "level=INFO msg=reloaded")
	_, body = f.request("POST", "/reload", fixtureToken)
	require.Equal(t, "reloaded\n"+restart, body)
	f.write(table)
	_, body = f.request("POST", "/reload", fixtureToken)
	require.Equal(t, "reloaded\nchanged: log.level: \"debug\" → \"info\"\nchanged for new connections: limits.max_frame: \"8MiB\" → \"16MiB\"\n", body)
	require.Contains(t, f.log.String(), "level=INFO msg=reloaded")
	_, body = f.request("POST", "/reload", fixtureToken)
	require.Equal(t, "reloaded\nno key has changed; files that keys name were read again\n", body)
}

// The admin address stays, and with it the clients that are let in there.
func TestReloadKeepsTheAdminAddress(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	table := clusterTable("main", cl.NameServers()...) + listenerTable("office", "127.0.0.1:0", "")
	f := serveFile(t, table)
	require.NoError(t, os.WriteFile(f.file, []byte("drain_timeout = '2m'\nadmin = { address = '127.0.0.1:1', pprof = true }\n"+
		"transport = { io_uring = '"+ioUring()+"' }\n"+table), 0o600))
	result, err := f.Reload()
	require.NoError(t, err)
	require.Equal(t, []string{`drain_timeout: "1m" → "2m"`}, result.AtOnce)
	require.Len(t, result.NeedRestart, 3)
	status, _ := f.request("POST", "/reload", fixtureToken)
	require.Equal(t, http.StatusOK, status)
}

func TestHangupReloads(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	table := clusterTable("main", cl.NameServers()...) + listenerTable("office", "127.0.0.1:0", "")
	f := serveFile(t, table)
	f.write("log = { level = 'debug' }\n" + table)
	f.hangup <- struct{}{}
	f.await(func() bool { return f.level.Level().String() == "DEBUG" }, "the level changes")
	f.write("[[[")
	f.hangup <- struct{}{}
	f.await(func() bool { return strings.Contains(f.log.String(), "is not TOML") }, "the log says what is wrong")
}

// Other name servers are asked; what the old ones told stays good.
func TestReloadMovesNameServers(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{NameServers: 2})
	ns := cl.NameServers()
	listener := listenerTable("office", "127.0.0.1:0", "")
	f := serveFile(t, clusterTable("main", ns[0])+listener)
	c, names := f.toBroker("office", "broker-a"), dial(t, f.Addr("office"))
	f.change(clusterTable("main", ns[1]) + listener)
	cl.NameServer(0).Stop()
	require.NoError(t, cl.CreateTopic("Later", 1))
	require.Equal(t, names.brokers("Later")["broker-a"], c.Conn.RemoteAddr().String())
	f.await(func() bool { return !f.has("cluster/main/nameserver/" + ns[0]) }, "the old one is let go")
	require.True(t, f.has("cluster/main/nameserver/"+ns[1]))
	c.mustSend("same connection")
}

// A question that is out at a name server that goes is asked again at its successor.
func TestReloadAsksAgain(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{NameServers: 2})
	ns := cl.NameServers()
	listener := "timeouts = { name_server = '1h' }\n"
	f := serveFile(t, listener+clusterTable("main", ns[0])+listenerTable("office", "127.0.0.1:0", ""))
	names := dial(t, f.Addr("office"))
	lost := cl.NameServer(0).Fault(codec.ReqGetRouteInfoByTopic, embedded.Drop())
	names.Send(proxytest.RouteRequest("News"))
	require.NoError(t, lost.WaitHits(t.Context(), 1))
	f.change(listener + clusterTable("main", ns[1]) + listenerTable("office", "127.0.0.1:0", ""))
	answer := names.Next()
	require.Equal(t, codec.ResSuccess, answer.Code)
}

// A cluster and its listener come, serve, and go with everything that belonged to them.
func TestReloadAddsAndRemovesACluster(t *testing.T) {
	t.Parallel()
	one, two := rocketMQ(t, embedded.Options{}), rocketMQ(t, embedded.Options{Brokers: []embedded.BrokerOptions{{Name: "broker-z"}}})
	base := "drain_timeout = '10ms'\n" + clusterTable("one", one.NameServers()...) + listenerTable("first", "127.0.0.1:0", "cluster = 'one'")
	f := serveFile(t, base)
	result := f.change(base + clusterTable("two", two.NameServers()...) + listenerTable("second", "127.0.0.1:0", "cluster = 'two'"))
	require.Equal(t, []string{`cluster "two" added`, `listener "second" added`}, result.AtOnce)
	f.await(func() bool { return f.Addr("second") != "" }, "the new listener opens")
	f.toBroker("second", "broker-z").mustSend("two")
	_, metrics := f.request("GET", "/metrics", "")
	require.Contains(t, metrics, `rocketmq_proxy_brokers{cluster="two"} 1`)
	f.change(base)
	f.await(func() bool { return !f.has("listener/second") && !f.has("cluster/two") }, "both are gone")
	_, metrics = f.request("GET", "/metrics", "")
	require.NotContains(t, metrics, `{cluster="two"}`)
	f.change(base + clusterTable("two", two.NameServers()...))
	require.True(t, f.has("cluster/two"))
}

// A ready proxy stays ready when a cluster is added whose name servers do not answer: that one's trouble is its own.
func TestReloadKeepsReadiness(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	base := clusterTable("main", cl.NameServers()...) + listenerTable("office", "127.0.0.1:0", "cluster = 'main'")
	f := serveFile(t, base)
	f.change(base + clusterTable("dead", freePort(t)) + listenerTable("second", "127.0.0.1:0", "cluster = 'dead'"))
	status, _ := f.request("GET", "/readyz", "")
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, f.Addr("second"))
}

// The tree that a reload made is the one that the top supervisor builds again.
func TestRestartOfTheTopKeepsTheReloadedTree(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	base := clusterTable("main", cl.NameServers()...) + listenerTable("first", "127.0.0.1:0", "")
	f := serveFile(t, base)
	second := freePort(t)
	f.change(clusterTable("main", cl.NameServers()...) + listenerTable("second", second, "advertise = 'localhost'"))
	f.await(func() bool { return f.Addr("second") == second }, "the new listener opens")
	f.proxy.Fault("proxy", "shown")
	opened := func() int { return strings.Count(f.log.String(), `msg="listener open" listener=second`) }
	f.await(func() bool { return opened() == 2 }, "it is back")
	require.Contains(t, dial(t, second).brokers("News")["broker-a"], "localhost:")
	require.False(t, f.has("listener/first"))
}

// Metrics go to the new place, and the old one gets the last numbers.
func TestReloadMovesThePush(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	base := clusterTable("main", cl.NameServers()...) + listenerTable("office", "127.0.0.1:0", "")
	received := func() (string, chan struct{}) {
		came := make(chan struct{}, 1)
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			select {
			case came <- struct{}{}:
			default:
			}
		}))
		t.Cleanup(s.Close)
		return s.URL, came
	}
	before, atBefore := received()
	after, atAfter := received()
	f := serveFile(t, "metrics = { push_url = '"+before+"', push_interval = '1h' }\n"+base)
	f.change("metrics = { push_url = '" + after + "', push_interval = '10ms' }\n" + base)
	<-atBefore
	<-atAfter
}

func TestNoReloadWhileDraining(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	f := serveFile(t, clusterTable("main", cl.NameServers()...)+listenerTable("office", "127.0.0.1:0", ""))
	held := cl.Broker("broker-a").Fault(codec.ReqSendMessageV2, embedded.Hold())
	c := f.toBroker("office", "broker-a")
	c.Send(sendRequest("in flight"))
	require.NoError(t, held.WaitHits(t.Context(), 1))
	status, body := f.request("POST", "/drain", fixtureToken)
	require.Equal(t, http.StatusAccepted, status)
	require.Equal(t, "draining\n", body)
	f.await(func() bool { return !f.Ready() }, "the drain begins")
	status, body = f.request("POST", "/reload", fixtureToken)
	require.Equal(t, http.StatusConflict, status)
	require.Equal(t, "cannot reload: the proxy is draining\n", body)
	status, _ = f.request("POST", "/drain", fixtureToken)
	require.Equal(t, http.StatusAccepted, status)
	held.Release()
	answer := c.Next()
	require.Equal(t, codec.ResSuccess, answer.Code)
	require.NoError(t, <-f.served)
	f.served <- nil // for the clean-up
}

// Without a source there is nothing to read again.
func TestReloadWithoutASource(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := &Server{log: slog.New(slog.NewTextHandler(&log, nil))}
	s.reloads.describe(metrics.NewSet(), s.started)
	_, err := s.Reload()
	require.ErrorIs(t, err, errNoSource)
	require.Contains(t, log.String(), `msg="cannot reload, nothing has changed" reason="the configuration was not read from anywhere; restart`)
}

// The keys that the table of effects names exist.
func TestEffectsNameKeys(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(filepath.Join("..", "proxy.example.toml"))
	require.NoError(t, err)
	for path := range effects {
		key := strings.Trim(path[strings.LastIndexByte(strings.TrimSuffix(path, "."), '.')+1:], ".")
		require.Regexp(t, `(?m)^(# )?(`+key+` = |\[+([a-z]+\.)?`+key+`\]+$)`, string(example), path)
	}
}
