package chaos

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// baseline are numbers of a proxy that return to what they were before the first client when the last one has left.
type baseline struct {
	text       string // of /metrics
	goroutines float64
	files      float64 // open descriptors
	heap       float64 // bytes
	actors     float64 // where they are told: exactly
}

// What may remain: goroutines and descriptors of the admin address and of the connections to name servers, which come
// and go; and memory that the runtime has not given up yet. A leak shows as hundreds.
const (
	spareGoroutines = 10
	spareFiles      = 10
	spareHeap       = 48 << 20
)

// zeroes are the metrics that have to be 0 when there is no client, summed over their labels.
var zeroes = []string{
	"rocketmq_proxy_downstream_connections", "rocketmq_proxy_buffered_bytes",
	"rocketmq_request_active", "rocketmq_send_message_v1_active", "rocketmq_send_message_v2_active", "rocketmq_pop_message_active",
	"rocketmq_get_topic_route_active", "rocketmq_send_message_pending", "rocketmq_pop_message_pending",
	"rocketmq_get_topic_route_pending", "rocketmq_total_pending",
}

// metric sums a metric over its labels; ok is false when there is none of that name.
func (v *baseline) metric(name string) (sum float64, ok bool) {
	for line := range strings.Lines(v.text) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if base, _, _ := strings.Cut(series, "{"); base == name {
			n, err := strconv.ParseFloat(value, 64)
			if err == nil {
				sum, ok = sum+n, true
			}
		}
	}
	return sum, ok
}

func baselineIn(text string) (v baseline, err error) {
	v.text = text
	for name, to := range map[string]*float64{
		"go_goroutines": &v.goroutines, "process_open_fds": &v.files, "go_memstats_heap_inuse_bytes": &v.heap,
	} {
		ok := false
		if *to, ok = v.metric(name); !ok {
			return v, fmt.Errorf("there is no %s in /metrics", name)
		}
	}
	v.actors, _ = v.metric("actors")
	return v, nil
}

// recovered reports what is not back yet.
func (v *baseline) recovered(before baseline) error {
	for _, name := range zeroes {
		if n, _ := v.metric(name); n != 0 { // a process that has had no client has none of that name
			return fmt.Errorf("%s is %g; want 0", name, n)
		}
	}
	switch {
	case v.actors != before.actors:
		return fmt.Errorf("%g actors; there were %g before the first client", v.actors, before.actors)
	case v.goroutines > before.goroutines+spareGoroutines:
		return fmt.Errorf("%g goroutines; there were %g before the first client", v.goroutines, before.goroutines)
	case v.files > before.files+spareFiles:
		return fmt.Errorf("%g open files; there were %g before the first client", v.files, before.files)
	case v.heap > before.heap+spareHeap:
		return fmt.Errorf("%g bytes of heap; there were %g before the first client", v.heap, before.heap)
	}
	return nil
}

func (e *environment) measure(t *testing.T) (all []baseline) {
	t.Helper()
	for _, f := range e.proxies {
		v, err := f.measure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	return all
}

func (e *environment) awaitBaselines(t *testing.T, before []baseline) {
	t.Helper()
	there := map[string]bool{}
	for i, f := range e.proxies {
		harness.Await(t, func() error {
			v, err := f.measure(t.Context())
			if err != nil {
				return err
			}
			for _, name := range zeroes {
				_, ok := v.metric(name)
				there[name] = there[name] || ok
			}
			return v.recovered(before[i])
		})
	}
	for _, name := range zeroes {
		require.True(t, there[name], "there is no "+name+" in any /metrics")
	}
}
