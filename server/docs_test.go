package server

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// Every metric of ours that a proxy shows, and every reason of refusals, is explained in the docs.
func TestDocumentsExplainEveryMetric(t *testing.T) {
	manual := manual(t, "../docs/OPERATIONS.md")
	ca := testca.New(t)
	dir := write(t, t.TempDir(), pairOf(t, ca, "proxy", time.Now().Add(time.Hour)))
	s := startProxy(t, dress(t, nil).nameServer, func(l *config.Listener, _ *config.Cluster) {
		l.TLS = config.ListenerTLS{Mode: config.TLSPermissive, Certificate: dir + "/tls.crt", Key: dir + "/tls.key", MinVersion: "1.2"}
	})
	dial(t, dial(t, s.Addr("main")).routed()).served()
	page := ""
	require.Eventually(t, func() bool { // what was counted comes a moment later
		page = s.page("/metrics")
		return strings.Contains(page, "rocketmq_proxy_local_replies_total") && strings.Contains(page, "rocketmq_proxy_upstream_duration_seconds_count")
	}, patience, time.Millisecond)
	names := regexp.MustCompile(`(?m)^(rocketmq_[a-z0-9_]+)`).FindAllString(page, -1)
	require.Greater(t, len(names), 60)
	for _, name := range names {
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			name = strings.TrimSuffix(name, suffix)
		}
		require.Contains(t, manual, "`"+name+"`")
	}
	reasons := regexp.MustCompile(`rocketmq_proxy_refused_total\{.*reason="([a-z_]+)"`).FindAllStringSubmatch(page, -1)
	require.Greater(t, len(reasons), 10)
	for _, reason := range reasons {
		require.Contains(t, manual, "\n| `"+reason[1]+"` |")
	}
}

// Every page that the index of the admin address names is explained to the person on call.
func TestDocumentsNameEveryPage(t *testing.T) {
	manual := manual(t, "../docs/OPERATIONS.md")
	pages := regexp.MustCompile(`(?m)^(/\S+) +(POST)?`).FindAllStringSubmatch(admin.Index, -1)
	require.Greater(t, len(pages), 8)
	for _, page := range pages {
		require.Contains(t, manual, "`"+strings.TrimSpace(page[2]+" "+page[1])+"`")
	}
}

func manual(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
