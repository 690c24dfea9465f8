package stories

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestStaticCluster has clients use brokers that the proxy knows from its configuration alone: no name server is asked.
func TestStaticCluster(t *testing.T) {
	for _, version := range []string{"5.5.0", "4.9.7"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			real := harness.DirectTarget(t, version)
			var tables strings.Builder
			for name, address := range real.Brokers {
				fmt.Fprintf(&tables, "[[cluster.broker]]\nname = %q\naddress = %q\nread_queues = 2\nwrite_queues = 2\n", name, address)
			}
			proxied := harness.OwnProxy(t, harness.ProxyConfig{Cluster: tables.String()})
			require.Len(t, proxied.Brokers, len(real.Brokers))
			t.Run("Go", func(t *testing.T) { goRetry(t, proxied) })
			t.Run("Java", func(t *testing.T) { produceAndConsume(t, harness.StartJavaShell(t, "5.5.0"), real, proxied) })
		})
	}
}
