package stories

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestAPausedBrokerRestarts pauses a real broker, kills it, starts it again and ends the pause, under consumers of Go and
// Java. Sends that wait for longer than cluster.park_timeout are refused, and say why; those that come shortly before the
// end are stored, over connections that the proxy has made anew. No client is disconnected.
func TestAPausedBrokerRestarts(t *testing.T) {
	harness.RequireReal(t)
	t.Parallel()
	const patience, path = 2900 * time.Millisecond, "/api/v1/pause?broker=broker-a"
	cluster := harness.StartCluster(t, "5.5.0", 1)
	proxy := operatedProxy(t, cluster.NameServer, fmt.Sprintf("park_timeout = %q", patience))
	topic := proxy.Topic(t, 4)
	shell := harness.StartJavaShell(t, "5.5.0")
	require.NoError(t, shell.StartMember(proxy.NameServer, topic, harness.Unique(t, "group"), harness.Unique(t, "client")))
	in, p := proxy.Consume(t, topic), proxy.Producer(t)
	bodies := harness.RandomBodies(60)
	for _, body := range bodies[:30] {
		harness.Send(t, p, primitive.NewMessage(topic, body))
	}
	awaitBoth(t, in, shell, bodies[:30])
	connections := proxy.metric(t, "rocketmq_proxy_downstream_connections_total")

	proxy.asks(t, http.MethodPost, path)
	cluster.KillBroker("broker-a")
	begun := time.Now()
	_, err := p.SendSync(t.Context(), primitive.NewMessage(topic, []byte("too early")))
	require.ErrorContains(t, err, "is paused (/api/v1/pause), and has been for longer than cluster.park_timeout")
	require.GreaterOrEqual(t, time.Since(begun), patience)
	require.NoError(t, cluster.RestartBroker("broker-a"))
	require.Equal(t, connections, proxy.metric(t, "rocketmq_proxy_downstream_connections_total"), "clients have connected again")

	require.NoError(t, shell.StartProducer(proxy.NameServer, topic, harness.Unique(t, "producer"), harness.Unique(t, "client")))
	proxy.awaitWaitingSends(t, 1)
	outcomes := sendAll(t, p, topic, bodies[30:])
	proxy.awaitWaitingSends(t, 1+len(bodies[30:]))
	proxy.asks(t, http.MethodDelete, path)
	for range bodies[30:] {
		require.NoError(t, <-outcomes)
	}
	require.Zero(t, awaitStored(t, shell, 30), "sends of Java that failed")
	require.NoError(t, shell.StopProducer())
	awaitAllReceived(t, shell)
	awaitBoth(t, in, shell, bodies)
}

// sendAll sends at once, and says of each send whether it has failed.
func sendAll(t *testing.T, p rocketmq.Producer, topic string, bodies [][]byte) <-chan error {
	t.Helper()
	outcomes := make(chan error, len(bodies))
	for _, body := range bodies {
		require.NoError(t, p.SendAsync(t.Context(), func(_ context.Context, result *primitive.SendResult, err error) {
			if err == nil && result.Status != primitive.SendOK {
				err = fmt.Errorf("status %d", result.Status)
			}
			outcomes <- err
		}, primitive.NewMessage(topic, body)))
	}
	return outcomes
}

// awaitBoth waits until a consumer of Go and one of Java have got some messages.
func awaitBoth(t *testing.T, in *harness.Inbox, shell *harness.JavaShell, bodies [][]byte) {
	t.Helper()
	harness.Await(t, func() error {
		if err := in.Missing(bodies); err != nil {
			return err
		}
		received, err := shell.Received()
		for _, body := range bodies {
			if err == nil && received[sha256.Sum256(body)] == 0 {
				err = fmt.Errorf("%d messages have come to Java", len(received))
			}
		}
		return err
	})
}

// awaitWaitingSends waits until so many sends wait in the proxy.
func (o *operated) awaitWaitingSends(t *testing.T, n int) {
	t.Helper()
	harness.Await(t, func() error {
		if waiting := o.metric(t, "rocketmq_send_message_pending"); waiting < float64(n) {
			return fmt.Errorf("%g of %d sends wait in the proxy", waiting, n)
		}
		return nil
	})
}

// metric is the sum of a metric over its labels.
func (o *operated) metric(t *testing.T, name string) (sum float64) {
	t.Helper()
	text, err := harness.HTTPGet(t.Context(), "http://"+o.Proxy.Admin+"/metrics")
	require.NoError(t, err)
	for line := range strings.Lines(text) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if base, _, _ := strings.Cut(series, "{"); base == name {
			n, err := strconv.ParseFloat(value, 64)
			require.NoError(t, err)
			sum += n
		}
	}
	return sum
}
