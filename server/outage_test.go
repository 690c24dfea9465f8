package server

import (
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

func TestBrokerThatIsAwayShows(t *testing.T) {
	t.Parallel()
	cluster := proxytest.StartCluster(t, embedded.Options{})
	broker := cluster.Brokers()[0]
	s := run(t, configFor(t, cluster.NameServers(), nil))
	labels := `{cluster="main",broker="` + broker.Name() + `/0"}`
	s.shows("/metrics", "rocketmq_proxy_broker_up"+labels+" 1\n")
	s.shows("/metrics", `rocketmq_proxy_name_server_up{cluster="main",name_server="`+cluster.NameServers()[0]+`"} 1`)
	s.shows("/brokers", `"up": true`)

	brokers := s.page("/brokers")
	_, port, _ := strings.Cut(brokers, `"advertised": "`)
	port, _, _ = strings.Cut(port, `"`)
	client, err := net.Dial("tcp", port)
	require.NoError(t, err)
	defer client.Close()
	broker.Cut()
	_, err = client.Write((&codec.Command{Code: codec.ReqGetMaxOffset, Opaque: 1}).Append(nil, codec.JSON))
	require.NoError(t, err)
	s.shows("/metrics", "rocketmq_proxy_broker_up"+labels+" 0\n")
	s.shows("/brokers", `"up": false`)
	require.NoError(t, broker.Restart())
	s.shows("/metrics", "rocketmq_proxy_broker_up"+labels+" 1\n")
	s.await(func() bool { return dialOnce(port) == nil }, "the port is open again")
}

// A paused broker that is down is shown as down, though its port stays open.
func TestAPausedBrokerThatIsDownIsShownAsDown(t *testing.T) {
	t.Parallel()
	cluster := rocketMQ(t, embedded.Options{})
	s := start(t, cluster, nil)
	c := dial(t, s.broker())
	c.mustSend("before")
	require.NotContains(t, s.page("/brokers"), "paused_since")
	cluster.Brokers()[0].Cut()
	c.Send(sendRequest("lost"))
	s.shows("/brokers", `"up": false`)
	require.NoError(t, s.operations.Pause("", "broker-a"))
	page := s.page("/brokers")
	require.Contains(t, page, `"paused_since": "20`)
	require.Contains(t, page, `"up": false`)
}

func TestReadyWaitsForANameServer(t *testing.T) {
	t.Parallel()
	cluster := proxytest.StartCluster(t, embedded.Options{})
	cluster.NameServer(0).Stop()
	s := run(t, configFor(t, cluster.NameServers(), nil))
	failures := regexp.MustCompile(`rocketmq_proxy_name_server_failures_total\{.*\} ([2-9]|\d\d+)\n`)
	s.await(func() bool { return failures.MatchString(s.page("/metrics")) }, "it has asked twice")
	status, why := s.request(http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, why, "no name server of cluster main has answered yet")
	require.NoError(t, cluster.NameServer(0).Restart())
	s.await(s.Ready, "ready")
	status, _ = s.request(http.MethodGet, "/readyz", "")
	require.Equal(t, http.StatusOK, status)
}
