package route_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// refusedBy decides about a request of topic on broker a1 of cluster a, seconds after all began; "" is that it is relayed.
func refusedBy(t *testing.T, m route.Maintenance, code int32, topic string, seconds int) string {
	t.Helper()
	key := "topic"
	if code == codec.ReqSendMessageV2 || code == codec.ReqSendBatchMessage {
		key = "b"
	}
	h, raw := header(&codec.Command{Code: code, Ext: map[string]string{key: topic}})
	at := route.Arrival{Broker: route.BrokerID{Name: "a1"}, Cluster: "a", Now: int64(time.Duration(seconds) * time.Second)}
	v := route.Decide(&route.Table{Maintenance: m}, at, h, raw)
	if v.Action == route.Relay {
		return ""
	}
	require.Equal(t, route.Refuse, v.Action)
	require.Equal(t, route.InMaintenance, v.Reason)
	require.Equal(t, codec.ResServiceNotAvailable, v.Code)
	return v.Remark
}

const grace = 40 * time.Second

// Every request code that there is: what read-only and off refuse, before and after the time of grace.
func TestWhatMaintenanceRefuses(t *testing.T) {
	entry := func(mode route.MaintenanceMode) route.Maintenance {
		return route.Maintenance{Entries: []route.Maintained{{Cluster: "a", Mode: mode, Grace: grace}}}
	}
	sends := map[int32]bool{10: true, 310: true, 320: true}
	ends := map[int32]bool{15: true, 35: true, 36: true, 37: true, 34: true, 200051: true, 200151: true, 51: true}
	for code := int32(0); code < 210000; code++ {
		if code == 1000 {
			code = 200000
		}
		for _, mode := range []route.MaintenanceMode{route.ReadOnly, route.Off} {
			require.Empty(t, refusedBy(t, entry(mode), code, "orders", 39), "%d within the time of grace", code)
			refused := refusedBy(t, entry(mode), code, "orders", 40) != ""
			want := sends[code] || mode == route.Off && !ends[code]
			require.Equal(t, want, refused, "%d, %s", code, mode)
		}
	}
	require.Empty(t, refusedBy(t, entry(route.ReadOnly), codec.ReqSendMessageV2, "%RETRY%g", 100), "what comes back to a group")
	require.NotEmpty(t, refusedBy(t, entry(route.Off), codec.ReqSendMessageV2, "%RETRY%g", 100))
	require.Equal(t, "rocketmq-proxy: cluster a is in maintenance, off ([[maintenance]] or /api/v1/maintenance)",
		refusedBy(t, entry(route.Off), codec.ReqPullMessage, "orders", 100))
}

func TestWhatIsInMaintenance(t *testing.T) {
	f := func(want bool, e route.Maintained) {
		t.Helper()
		m := route.Maintenance{Entries: []route.Maintained{e}}
		require.Equal(t, want, refusedBy(t, m, codec.ReqSendMessageV2, "orders", 0) != "")
		require.Equal(t, want, refusedBy(t, m, codec.ReqSendMessage, "orders", 0) != "")
		shown := route.ShowAll
		if want {
			shown = route.ShowReadOnly
		}
		require.Equal(t, shown, m.Show("a", "a1", "orders"))
	}
	f(true, route.Maintained{Cluster: "a"})
	f(false, route.Maintained{Cluster: "b"})
	f(true, route.Maintained{Broker: "a1"})
	f(false, route.Maintained{Broker: "a2"})
	f(true, route.Maintained{Topic: "orders"})
	f(false, route.Maintained{Topic: "order"})
	f(true, route.Maintained{Cluster: "a", Broker: "a1", Topic: "orders"})
	f(false, route.Maintained{Cluster: "a", Broker: "a1", Topic: "others"})
	f(false, route.Maintained{Cluster: "a", Broker: "a2", Topic: "orders"})
	f(false, route.Maintained{Cluster: "b", Broker: "a1", Topic: "orders"})
}

func TestMaintenanceThatOverlaps(t *testing.T) {
	m := route.Maintenance{Entries: []route.Maintained{
		{Cluster: "a", Mode: route.ReadOnly, Grace: grace},
		{Broker: "a1", Mode: route.Off, Since: int64(10 * time.Second), Grace: 20 * time.Second},
	}}
	require.Equal(t, route.ShowNothing, m.Show("a", "a1", "orders"), "at once")
	require.Equal(t, route.ShowReadOnly, m.Show("a", "a2", "orders"))
	require.Equal(t, route.ShowAll, m.Show("a", "a2", "%RETRY%g"))
	require.Equal(t, route.ShowNothing, m.Show("a", "a1", "%RETRY%g"))
	require.Empty(t, refusedBy(t, m, codec.ReqSendMessage, "orders", 19))
	require.Contains(t, refusedBy(t, m, codec.ReqSendMessage, "orders", 20), "cluster a is in maintenance, read-only", "the shorter grace counts")
	require.Empty(t, refusedBy(t, m, codec.ReqPullMessage, "orders", 29))
	require.Contains(t, refusedBy(t, m, codec.ReqPullMessage, "orders", 30), "broker a1 is in maintenance, off", "off wins")
	require.Contains(t, refusedBy(t, m, codec.ReqSendMessage, "orders", 30), "off")
}

// The keys that were there before mean what they meant: everything is refused, at once.
func TestMaintenanceOfAWholeClusterRefusesEverything(t *testing.T) {
	for _, code := range []int32{codec.ReqHeartBeat, codec.ReqAckMessage, codec.ReqSendMessage} {
		require.NotEmpty(t, refusedBy(t, route.Maintenance{All: true}, code, "orders", 0))
		require.NotEmpty(t, refusedBy(t, route.Maintenance{Brokers: []string{"a1"}}, code, "orders", 0))
		require.Empty(t, refusedBy(t, route.Maintenance{Brokers: []string{"a2"}}, code, "orders", 0))
	}
}

// On one port a broker in maintenance leaves the others alone.
func TestMaintenanceOfOneBrokerBehindOnePort(t *testing.T) {
	brokers := []route.OnePortBroker{{BrokerID: route.BrokerID{Name: "a1"}, Of: "a"}, {BrokerID: route.BrokerID{Name: "a2"}, Of: "a"}}
	f := func(m route.Maintenance, code int32, ext map[string]string) route.Verdict {
		h, raw := header(&codec.Command{Code: code, Ext: ext})
		table := &route.Table{Maintenance: m, OnePort: route.NewOnePort([]string{"a"}, brokers, false)}
		return route.Decide(table, route.Arrival{OnePort: true, Client: &route.Client{}}, h, raw)
	}
	for _, m := range []route.Maintenance{
		{Brokers: []string{"a1"}},
		{Entries: []route.Maintained{{Broker: "a1", Mode: route.Off}}},
		{Entries: []route.Maintained{{Cluster: "a", Broker: "a1", Topic: "orders"}}},
	} {
		v := f(m, codec.ReqSendMessageV2, map[string]string{"b": "orders", "n": "a1"})
		require.Equal(t, route.InMaintenance, v.Reason)
		v = f(m, codec.ReqSendMessageV2, map[string]string{"b": "orders", "n": "a2"})
		require.Equal(t, route.Relay, v.Action)
		require.Equal(t, "a2", v.Broker.Name)
	}
	off := route.Maintenance{Entries: []route.Maintained{{Broker: "a1", Mode: route.Off}}}
	v := f(off, codec.ReqUpdateAndCreateTopic, map[string]string{"topic": "orders"})
	require.Equal(t, route.InMaintenance, v.Reason, "all must have what is set up")
	v = f(off, codec.ReqViewMessageByID, map[string]string{"offset": "1"})
	require.Equal(t, route.FanOutTo, v.Action)
	require.Equal(t, []route.BrokerID{{Name: "a2"}}, v.FanOut.Targets)
}
