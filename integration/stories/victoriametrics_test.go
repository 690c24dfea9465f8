package stories

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
)

// victoriaMetrics is where Debian's package victoria-metrics puts the program.
const victoriaMetrics = "/usr/bin/victoria-metrics"

// TestPushToVictoriaMetrics has a proxy of its own push its statistics into a real VictoriaMetrics, and finds there
// exactly what was sent through it.
func TestPushToVictoriaMetrics(t *testing.T) {
	t.Parallel()
	target := harness.DirectTarget(t, "5.5.0")
	store := startVictoriaMetrics(t)
	proxied := harness.OwnProxy(t, harness.ProxyConfig{NameServer: target.NameServer, Metrics: `
push_url = "http://` + store + `/api/v1/import/prometheus"
push_interval = "1s"
push_labels = { instance = "it" }`})

	topic := proxied.Topic(t, 4)
	p := proxied.Producer(t)
	bodies := harness.RandomBodies(123)
	for _, body := range bodies {
		harness.Send(t, p, primitive.NewMessage(topic, body)) // SEND_MESSAGE, 10
	}
	for range 7 {
		harness.Send(t, p, primitive.NewMessage(topic, bodies[0]), primitive.NewMessage(topic, bodies[1])) // SEND_BATCH_MESSAGE, 320
	}
	for metric, want := range map[string]string{
		"rocketmq_send_message_v1":        "123",
		"rocketmq_send_message_v1_active": "0",
		"rocketmq_send_message_v2":        "7",
		"rocketmq_request_decoding_error": "0",
	} {
		query := metric + `{stat_prefix="main", instance="it"}`
		harness.Await(t, func() error {
			values, err := queryVictoriaMetrics(t.Context(), store, query)
			if err == nil && (len(values) != 1 || values[0] != want) {
				err = fmt.Errorf("VictoriaMetrics has %v for %s; want %s", values, query, want)
			}
			return err
		})
	}
}

// startVictoriaMetrics returns the address of a VictoriaMetrics of this test's own.
func startVictoriaMetrics(t *testing.T) string {
	t.Helper()
	harness.RequireReal(t)
	if _, err := os.Stat(victoriaMetrics); err != nil {
		t.Fatalf("ROCKETMQ_REAL=1, but VictoriaMetrics is not installed (apt install victoria-metrics): %v", err)
	}
	port, err := freeport.Range(1)
	require.NoError(t, err)
	dir := t.TempDir()
	p, err := harness.StartProcess("VictoriaMetrics", filepath.Join(dir, "log"), victoriaMetrics,
		"-storageDataPath="+filepath.Join(dir, "data"), "-httpListenAddr="+freeport.Loopback(port), "-memory.allowedBytes=128MB")
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	require.NoError(t, p.Await("healthy", harness.Patience, func(ctx context.Context) error {
		_, err := harness.HTTPGet(ctx, "http://"+freeport.Loopback(port)+"/health")
		return err
	}))
	return freeport.Loopback(port)
}

// queryVictoriaMetrics returns the present values of a query, one for each series.
func queryVictoriaMetrics(ctx context.Context, address, query string) ([]string, error) {
	// Without nocache=1 an empty answer would be remembered for a while; latency_offset=1ms asks for samples younger
	// than -search.latencyOffset (30 s), too.
	text, err := harness.HTTPGet(ctx, "http://"+address+"/api/v1/query?nocache=1&latency_offset=1ms&query="+url.QueryEscape(query))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Value [2]any `json:"value"`
			} `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		return nil, fmt.Errorf("cannot read VictoriaMetrics' answer to %s: %w", query, err)
	}
	var values []string
	for _, series := range answer.Data.Result {
		values = append(values, fmt.Sprint(series.Value[1]))
	}
	return values, nil
}
