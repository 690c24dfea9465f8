//go:build linux

package sink

import (
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/load"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

// start serves until the tests end.
func start(t *testing.T) Ports {
	l, err := wire.NewLoop()
	require.NoError(t, err)
	at, err := Task{}.open(l)
	require.NoError(t, err)
	go l.RunUntil(wire.Clock()+int64(time.Hour), nil) //nolint:errcheck // the test says what went wrong
	return at.Plain
}

func measure(t *testing.T, s load.Spec) (o load.Outcome) {
	t.Helper()
	task, err := json.Marshal(s)
	require.NoError(t, err)
	var out strings.Builder
	require.NoError(t, load.Main(string(task), strings.NewReader("slice\nend\n"), &out))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)-1]), &o))
	return o
}

func TestTheRouteNamesTheBroker(t *testing.T) {
	at := start(t)
	to, err := wire.AskRoute(at.NameServer, nil)
	require.NoError(t, err)
	require.Equal(t, at.Broker, to.String())
}

func TestEveryWorkload(t *testing.T) {
	at := start(t)
	for name, s := range map[string]load.Spec{
		"send": {Workload: load.Send, Window: 4}, "binary": {Workload: load.Binary, Window: 16}, "pop": {Workload: load.Pop, Window: 1},
		"pull": {Workload: load.Pull, Window: 1, Answer: 100 << 10}, "large pull": {Workload: load.Pull, Window: 1, Answer: 16<<20 - 1<<10},
	} {
		t.Run(name, func(t *testing.T) {
			s.NameServer, s.Connections, s.Measure = at.NameServer, 2, time.Second
			o := measure(t, s)
			require.Positive(t, o.Requests)
			require.Positive(t, o.P50)
			require.GreaterOrEqual(t, o.P99, o.P50)
		})
	}
}

// Pulls that wait are answered by sends, and by nothing else.
func TestASendWakesAPull(t *testing.T) {
	at := start(t)
	s := load.Spec{NameServer: at.NameServer, Workload: load.Mixed, Connections: 6, Pollers: 4, Window: 1, Measure: 200 * time.Millisecond}
	o := measure(t, s)
	require.Positive(t, o.Requests)
	s.Connections, s.Measure = 4, 20*time.Millisecond // nobody sends
	task, err := json.Marshal(s)
	require.NoError(t, err)
	require.ErrorContains(t, load.Main(string(task), strings.NewReader("slice\nend\n"), io.Discard), "nothing was answered")
}

// What is stored is what brokers store: a proxy finds the store host of each message.
func TestMessagesHaveStoreHosts(t *testing.T) {
	host, told := netip.MustParseAddrPort("127.0.0.1:10911"), netip.MustParseAddrPort("127.0.0.1:20911")
	const size = 100_000
	body := messages(host, 32, size)
	require.Len(t, body, size)
	want := messages(host, 32, size)
	found := 0
	var r rewrite.StoreHosts
	r.Begin(size, func(own netip.AddrPort) (netip.AddrPort, bool) {
		found++
		return told, own == host
	})
	before, ready := r.Rewrite(body)
	require.Empty(t, before)
	require.Equal(t, size, ready)
	require.Positive(t, found)
	changed := 0
	for i := range body {
		if body[i] != want[i] {
			changed++
		}
	}
	require.Equal(t, 32*2, changed, "two bytes of the port, in each message")
	require.Equal(t, "7F00000100002A9F0000000000000001", messageID(host, 1))
}
