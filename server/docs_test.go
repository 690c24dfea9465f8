package server

import (
	"os"
	"reflect"
	"regexp"
	"slices"
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

// Every key that a reload cannot change is named to the person who reloads.
func TestDocumentsNameEveryKeyThatNeedsARestart(t *testing.T) {
	_, list, found := strings.Cut(manual(t, "../docs/OPERATIONS.md"), "These keys need a restart:")
	require.True(t, found)
	list, _, _ = strings.Cut(list, "\n\n")
	named := 0
	for _, path := range keysOf(reflect.TypeFor[config.Config](), "") {
		parts := strings.Split(path, ".")
		c := config.Change{Key: path}
		if slices.Contains([]string{"cluster", "listener", "limit"}, parts[0]) && len(parts) > 1 {
			c = config.Change{List: parts[0], Key: strings.Join(parts[1:], ".")}
			path = parts[1]
		}
		if path == "name" || effectOf(c) != needsRestart { // another name is another entry
			continue
		}
		named++
		require.Contains(t, list, "`"+path+"`")
	}
	require.Greater(t, named, 10)
}

// keysOf are the paths of a table's keys. Lists of tables count by the keys of their tables, where those have names.
func keysOf(table reflect.Type, path string) (keys []string) {
	for _, f := range reflect.VisibleFields(table) {
		key, below := f.Tag.Get("toml"), f.Type
		if key == "" {
			continue
		}
		if below.Kind() == reflect.Slice && below.Elem().Kind() == reflect.Struct {
			if _, named := below.Elem().FieldByName("Name"); named && path == "" {
				below = below.Elem()
			}
		}
		full := strings.TrimPrefix(path+"."+key, ".")
		var list []string
		if below.Kind() == reflect.Struct {
			list = keysOf(below, full)
		}
		if len(list) == 0 { // it is no table
			list = []string{full}
		}
		keys = append(keys, list...)
	}
	return keys
}
