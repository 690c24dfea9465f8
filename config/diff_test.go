package config

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Each kind of value is told as key: old → new, and entries of lists by their names.
func TestDiff(t *testing.T) {
	f := func(change func(*Config), want ...string) {
		t.Helper()
		old, next := valid(2), valid(2)
		change(next)
		old.Complete()
		next.Complete()
		var got []string
		for _, c := range Diff(old, next) {
			got = append(got, c.String())
		}
		require.Equal(t, want, got)
	}
	f(func(*Config) {})
	f(func(c *Config) { c.Log.Level = "debug" }, `log.level: "info" → "debug"`)
	f(func(c *Config) { c.DrainTimeout, c.Timeouts.Idle = 2*time.Minute, time.Second },
		`drain_timeout: "30s" → "2m"`, `timeouts.idle: "2m" → "1s"`)
	f(func(c *Config) { c.Limits.MaxFrame = 8 * MiB }, `limits.max_frame: "16MiB" → "8MiB"`)
	f(func(c *Config) { c.Admin.Pprof = true }, `admin.pprof: false → true`)
	f(func(c *Config) { c.Metrics.PushLabels = map[string]string{"instance": "b"} }, `metrics.push_labels: {} → { instance = "b" }`)
	f(func(c *Config) { c.Metrics.PushLabels = map[string]string{} })
	f(func(c *Config) { c.Clusters[0].NameServers = []string{"10.0.0.9:9876"} },
		`cluster "main" name_servers: ["10.0.0.1:9876"] → ["10.0.0.9:9876"]`)
	f(func(c *Config) { c.Listeners[1].Advertise = "mq.example.com" }, `listener "b" advertise: "" → "mq.example.com"`)
	f(func(c *Config) { c.Listeners[0].BrokerPorts = PortRange{} },
		`listener "a" broker_ports: "20000-20999" → 0`, `listener "a" advertise_ports: "20000-20999" → 0`)
	f(func(c *Config) { c.Listeners[0].Ports = map[string]int{"broker-a/0": 20000} }, `listener "a" ports: {} → { "broker-a/0" = 20000 }`)
	f(func(c *Config) { slices.Reverse(c.Listeners) })
	f(func(c *Config) { c.Listeners[1].Name = "c" }, `listener "b" removed`, `listener "c" added`)
	f(func(c *Config) { c.StatPrefix = "edge" }, `stat_prefix: "main" → "edge"`,
		`listener "a" stat_prefix: "main" → "edge"`, `listener "b" stat_prefix: "main" → "edge"`)
	f(func(c *Config) { c.Log.Level = "a\nb" }, `log.level: "info" → "a\nb"`)
}

// A secret that changes is told, but not shown.
func TestDiffMasksSecrets(t *testing.T) {
	old, next := valid(1), valid(1)
	old.Metrics.PushURL, next.Metrics.PushURL = "http://me:one@h/", "http://me:two@h/"
	changes := Diff(old, next)
	require.Len(t, changes, 1)
	require.Equal(t, `metrics.push_url: "http://xxxxx@h/" → "http://xxxxx@h/"`, changes[0].String())
}

// Revert keeps what cannot change and leaves the rest.
func TestRevert(t *testing.T) {
	old, next := valid(2), valid(2)
	next.StateDir, next.Log.Level, next.Listeners[1].Advertise, next.Listeners[0].Name = "/tmp/x", "debug", "mq", "z"
	next.Listeners[0].Ports = map[string]int{"a/0": 20000}
	reverted := maps.Collect(func(yield func(string, bool) bool) {
		for _, c := range Diff(old, next) {
			if c.Key != "log.level" {
				c.Revert()
			}
			if !yield(c.String(), true) {
				return
			}
		}
	})
	require.Len(t, reverted, 5)
	require.Equal(t, "", next.StateDir)
	require.Equal(t, "debug", next.Log.Level)
	require.Equal(t, "", next.Listeners[1].Advertise)
	require.Equal(t, "z", next.Listeners[0].Name)
	require.Equal(t, old.Listeners[1], next.Listeners[1])
}
