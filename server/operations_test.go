package server

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// operator serves a cluster with an admin token and state_dir, and returns what asks the API.
func operator(t *testing.T, lines string) (f *fixture, toml func(lines string) string, ask func(method, path string) (int, string)) {
	cl := rocketMQ(t, embedded.Options{})
	dir := t.TempDir()
	toml = func(lines string) string {
		return "state_dir = '" + dir + "'\n" + lines + office(cl, "127.0.0.1:0", "")
	}
	f = serveFile(t, toml(lines))
	return f, toml, func(method, path string) (int, string) { return f.request(method, path, fixtureToken) }
}

func entries(t *testing.T, text string) (list []admin.Maintained) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(text), &list), text)
	return list
}

func TestMaintenanceByTheAPI(t *testing.T) {
	t.Parallel()
	f, _, ask := operator(t, "")
	c := f.toBroker("office", "broker-a")
	c.mustSend("before")
	status, _ := f.request(http.MethodPost, "/api/v1/maintenance?broker=broker-a", "")
	require.Equal(t, http.StatusUnauthorized, status)
	for path, want := range map[string]int{
		"": 400, "?mode=off": 400, "?broker=broker-a&mode=on": 400, "?broker=broker-a&grace=soon": 400, "?broker=broker-a&grace=-1s": 400,
		"?cluster=x": 404, "?broker=x": 404, "?cluster=main&broker=x": 404,
	} {
		status, text := ask(http.MethodPost, "/api/v1/maintenance"+path)
		require.Equal(t, want, status, "%s: %s", path, text)
	}
	_, text := ask(http.MethodGet, "/api/v1/maintenance")
	require.Equal(t, "[]\n", text)

	status, text = ask(http.MethodPost, "/api/v1/maintenance?broker=broker-a&grace=1h")
	require.Equal(t, http.StatusOK, status, text)
	c.mustSend("within the time of grace")
	status, text = ask(http.MethodPost, "/api/v1/maintenance?broker=broker-a&mode=read-only&grace=0s")
	require.Equal(t, http.StatusOK, status, text)
	list := entries(t, text)
	require.Len(t, list, 1, "the second one replaces the first")
	require.InDelta(t, time.Now().Unix(), list[0].Since.Unix(), 60)
	list[0].Since = time.Time{}
	require.Equal(t, admin.Maintained{Target: admin.Target{Broker: "broker-a"}, Mode: "read-only", Source: "api"}, list[0])
	refused := c.Call(sendRequest("refused"))
	require.Equal(t, codec.ResServiceNotAvailable, refused.Code)
	require.Contains(t, refused.Remark, "broker broker-a of cluster main is in maintenance, read-only")
	f.await(func() bool { return f.statistics().Counter("main", "maintenance_failure") == 1 }, "it is counted")

	for _, topic := range []string{"News", "News&cluster=main"} {
		status, text = ask(http.MethodPost, "/api/v1/maintenance?mode=off&grace=1m&topic="+topic)
		require.Equal(t, http.StatusOK, status, text)
	}
	var brokers []struct{ Maintenance []admin.Maintained }
	require.NoError(t, json.Unmarshal([]byte(f.page("/brokers")), &brokers))
	require.Equal(t, entries(t, text), brokers[0].Maintenance)
	require.Equal(t, admin.Target{Cluster: "main", Topic: "News"}, brokers[0].Maintenance[2].Target)
	for _, topic := range []string{"News", "News&cluster=main"} {
		ask(http.MethodDelete, "/api/v1/maintenance?topic="+topic)
	}
	for range 2 {
		status, text = ask(http.MethodDelete, "/api/v1/maintenance?broker=broker-a")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "[]\n", text)
	}
	c.mustSend("after")
	status, _ = ask(http.MethodDelete, "/api/v1/maintenance?broker=x")
	require.Equal(t, http.StatusNotFound, status)
}

// What the file says is the file's; a reload keeps what the API has said, and the time since when.
func TestMaintenanceByTheFileAndTheAPI(t *testing.T) {
	t.Parallel()
	line := "[[maintenance]]\ncluster = 'main'\ntopic = 'orders'\n"
	f, toml, ask := operator(t, line)
	_, text := ask(http.MethodGet, "/api/v1/maintenance")
	list := entries(t, text)
	require.Len(t, list, 1)
	require.Equal(t, "file", list[0].Source)
	require.InDelta(t, 40, list[0].Grace, 0)
	since := list[0].Since
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		status, text := ask(method, "/api/v1/maintenance?cluster=main&topic=orders")
		require.Equal(t, http.StatusConflict, status, text)
		require.Contains(t, text, "change that and reload")
	}
	status, _ := ask(http.MethodPost, "/api/v1/maintenance?topic=other&mode=off")
	require.Equal(t, http.StatusOK, status)

	f.change(toml(line + "[[maintenance]]\nbroker = 'broker-a'\nmode = 'off'\ngrace = '0s'\n"))
	_, text = ask(http.MethodGet, "/api/v1/maintenance")
	list = entries(t, text)
	require.Len(t, list, 3)
	require.Equal(t, since, list[0].Since, "the line that stays goes on")
	require.Equal(t, "broker-a", list[1].Broker)
	require.Equal(t, "api", list[2].Source)
	f.change(toml(""))
	_, text = ask(http.MethodGet, "/api/v1/maintenance")
	require.Len(t, entries(t, text), 1, "what the API has said stays")
}

// A restart does not begin the time of grace again, and a broker that is paused stays so.
func TestMaintenanceAndPausesSurviveARestart(t *testing.T) {
	t.Parallel()
	f, toml, ask := operator(t, "[[maintenance]]\ntopic = 'orders'\n")
	ask(http.MethodPost, "/api/v1/maintenance?broker=broker-a&grace=10m")
	status, text := ask(http.MethodPost, "/api/v1/pause?broker=broker-a")
	require.Equal(t, http.StatusOK, status, text)
	_, before := ask(http.MethodGet, "/api/v1/maintenance")
	_, paused := ask(http.MethodGet, "/api/v1/pause")
	require.Contains(t, paused, `"broker": "broker-a"`)
	f.cancel()
	f.served <- <-f.served

	g := serveFile(t, toml("[[maintenance]]\ntopic = 'orders'\n"))
	require.Equal(t, before, g.page("/api/v1/maintenance"))
	require.Equal(t, paused, g.page("/api/v1/pause"))
	c := g.toBroker("office", "broker-a")
	c.Send(sendRequest("waits"))
	g.await(func() bool { return entriesOfPauses(t, g)[0].Parked == 1 }, "the request is parked")
	status, text = g.request(http.MethodDelete, "/api/v1/pause?cluster=main&broker=broker-a", fixtureToken)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "[]\n", text)
	require.Equal(t, codec.ResSuccess, c.answer().Code)
}

func entriesOfPauses(t *testing.T, f *fixture) (list []admin.Paused) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(f.page("/api/v1/pause")), &list))
	return list
}

// A state_dir that does not answer holds up neither pages nor the beginning of a drain, whoever has something saved.
func TestAStateDirThatDoesNotAnswerHoldsUpNoDrain(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(f *fixture, toml func(string) string){
		"reload": func(f *fixture, toml func(string) string) {
			f.write(toml("[[maintenance]]\ntopic = 'orders'\n"))
			f.Reload()
		},
		"maintenance": func(f *fixture, _ func(string) string) {
			f.request(http.MethodPost, "/api/v1/maintenance?topic=orders", fixtureToken)
		},
		"pause": func(f *fixture, _ func(string) string) {
			f.request(http.MethodPost, "/api/v1/pause?broker=broker-a", fixtureToken)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, toml, ask := operator(t, "")
			writes, answers := make(chan struct{}), make(chan struct{})
			f.operations.mu.Lock()
			f.operations.write = func(operationsState) error {
				close(writes)
				<-answers
				return nil
			}
			f.operations.mu.Unlock()
			changed := make(chan struct{})
			go func() {
				change(f, toml)
				close(changed)
			}()
			<-writes
			ask(http.MethodGet, "/api/v1/maintenance")
			ask(http.MethodGet, "/api/v1/pause")
			f.Drain()
			<-f.draining
			close(answers)
			<-changed
		})
	}
}

func TestPauseByTheAPI(t *testing.T) {
	t.Parallel()
	f, _, ask := operator(t, "")
	c := f.toBroker("office", "broker-a")
	c.mustSend("before")
	status, _ := f.request(http.MethodPost, "/api/v1/pause?broker=broker-a", "")
	require.Equal(t, http.StatusUnauthorized, status)
	for path, want := range map[string]int{"": 400, "?cluster=main": 400, "?broker=x": 404, "?cluster=x&broker=broker-a": 404} {
		for _, method := range []string{http.MethodPost, http.MethodDelete} {
			status, text := ask(method, "/api/v1/pause"+path)
			require.Equal(t, want, status, "%s %s: %s", method, path, text)
		}
	}
	for range 2 {
		status, text := ask(http.MethodPost, "/api/v1/pause?cluster=main&broker=broker-a")
		require.Equal(t, http.StatusOK, status, text)
	}
	list := entriesOfPauses(t, f)
	require.Len(t, list, 1)
	require.Equal(t, "main", list[0].Cluster)
	require.Equal(t, "broker-a", list[0].Broker)
	c.Send(sendRequest("waits"))
	f.await(func() bool { return entriesOfPauses(t, f)[0].Parked == 1 }, "the request is parked")
	for range 2 {
		status, _ := ask(http.MethodDelete, "/api/v1/pause?broker=broker-a")
		require.Equal(t, http.StatusOK, status)
	}
	require.Equal(t, codec.ResSuccess, c.answer().Code)
}

// A successor knows what is in maintenance and paused, also without a state_dir: clients that it takes over still wait.
func TestASuccessorKnowsWhatIsPaused(t *testing.T) {
	t.Parallel()
	cl := rocketMQ(t, embedded.Options{})
	succeed := succession(t)
	first := start(t, cl, succeed)
	c := dialAs(t, first.broker(), oldClient)
	c.mustSend("before")
	require.NoError(t, first.operations.Maintain(admin.Maintained{
		Target: admin.Target{Topic: "orders"}, Mode: "off", Since: time.Now().UTC(), Grace: 40, Source: admin.FromAPI,
	}))
	require.NoError(t, first.operations.Pause("", "broker-a"))

	second := start(t, cl, succeed)
	first.Drain()
	first.end()
	first.logged("connections handed over", "connections=0", "handed_over=1")
	require.Equal(t, first.operations.state.Maintenance[0].Since.UnixNano(), second.operations.Maintenance()[0].Since.UnixNano())
	c.Send(sendRequest("waits"))
	second.await(func() bool { list := second.operations.Pauses(); return len(list) == 1 && list[0].Parked == 1 }, "the request is parked")
	require.NoError(t, second.operations.Resume("", "broker-a"))
	require.Equal(t, codec.ResSuccess, c.answer().Code)
}
