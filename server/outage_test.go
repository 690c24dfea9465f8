package server

import (
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// visit fetches a page of the admin address.
func visit(t *testing.T, s *Server, path string) (status int, body string) {
	t.Helper()
	r, err := http.Get("http://" + s.AdminAddr() + path)
	require.NoError(t, err)
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return r.StatusCode, string(b)
}

// shows waits until a page contains a text.
func shows(t *testing.T, s *Server, path, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		_, body := visit(t, s, path)
		return strings.Contains(body, text)
	}, 30*time.Second, 10*time.Millisecond, "%s on %s", text, path)
}

func TestBrokerThatIsAwayShows(t *testing.T) {
	cluster, err := embedded.Start(embedded.Options{})
	require.NoError(t, err)
	defer cluster.Close()
	broker := cluster.Brokers()[0]
	s := run(t, configFor(t, cluster.NameServers(), nil)).Server
	labels := `{cluster="main",broker="` + broker.Name() + `/0"}`
	shows(t, s, "/metrics", "rocketmq_proxy_broker_up"+labels+" 1\n")
	shows(t, s, "/metrics", `rocketmq_proxy_name_server_up{cluster="main",name_server="`+cluster.NameServers()[0]+`"} 1`)
	shows(t, s, "/brokers", `"up": true`)

	_, brokers := visit(t, s, "/brokers")
	_, port, _ := strings.Cut(brokers, `"advertised": "`)
	port, _, _ = strings.Cut(port, `"`)
	client, err := net.Dial("tcp", port)
	require.NoError(t, err)
	defer client.Close()
	broker.Cut()
	_, err = client.Write((&codec.Command{Code: codec.ReqGetMaxOffset, Opaque: 1}).Append(nil, codec.JSON))
	require.NoError(t, err)
	shows(t, s, "/metrics", "rocketmq_proxy_broker_up"+labels+" 0\n")
	shows(t, s, "/brokers", `"up": false`)
	require.NoError(t, broker.Restart())
	shows(t, s, "/metrics", "rocketmq_proxy_broker_up"+labels+" 1\n")
	require.Eventually(t, func() bool { return dials(port) }, 30*time.Second, 10*time.Millisecond, "the port is open again")
}

func dials(address string) bool {
	nc, err := net.Dial("tcp", address)
	if err == nil {
		nc.Close()
	}
	return err == nil
}

func TestReadyWaitsForANameServer(t *testing.T) {
	cluster, err := embedded.Start(embedded.Options{})
	require.NoError(t, err)
	defer cluster.Close()
	cluster.NameServer(0).Stop()
	s := run(t, configFor(t, cluster.NameServers(), nil)).Server
	failures := regexp.MustCompile(`rocketmq_proxy_name_server_failures_total\{.*\} ([2-9]|\d\d+)\n`)
	require.Eventually(t, func() bool {
		_, body := visit(t, s, "/metrics")
		return failures.MatchString(body)
	}, 30*time.Second, 10*time.Millisecond, "it has asked twice")
	status, why := visit(t, s, "/readyz")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Contains(t, why, "no name server of cluster main has answered yet")
	require.NoError(t, cluster.NameServer(0).Restart())
	require.Eventually(t, s.Ready, 30*time.Second, 10*time.Millisecond)
	status, _ = visit(t, s, "/readyz")
	require.Equal(t, http.StatusOK, status)
}
