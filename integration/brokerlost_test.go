package integration

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestBrokerLostAndBack kills one of two brokers under a producer and a consumer and brings it back. With the retries
// that Java producers do by default no send may fail, and everything that was stored has to arrive, also what the
// killed broker had stored.
func TestBrokerLostAndBack(t *testing.T) {
	t.Parallel()
	cluster := StartCluster(t, "5.5.0", 2)
	proxied := ownProxy(t, cluster.NameServer, "")
	for _, version := range []string{"5.5.0", "4.9.4"} {
		// One after the other: both kill the same broker.
		t.Run("java-"+version, func(t *testing.T) {
			shell := startJavaShell(t, version)
			topic := proxied.Topic(t, 4)
			require.NoError(t, shell.startMember(proxied.NameServer, topic, unique(t, "group"), unique(t, "client")))
			require.NoError(t, shell.startProducer(proxied.NameServer, topic, unique(t, "producer"), unique(t, "client")))
			awaitSent(t, shell, 200)
			cluster.KillBroker("broker-b")
			awaitSent(t, shell, 200)
			require.NoError(t, cluster.RestartBroker("broker-b"))
			awaitSent(t, shell, 200)
			require.NoError(t, shell.stopProducer())

			stored, failures, err := shell.sent()
			require.NoError(t, err)
			require.Empty(t, failures, "sends that failed, of %d", len(stored))
			await(t, func() error {
				received, err := shell.received()
				if err != nil {
					return err
				}
				missing := 0
				for _, sum := range stored {
					if received[sum] == 0 {
						missing++
					}
				}
				if missing > 0 {
					return fmt.Errorf("%d of %d messages have not come", missing, len(stored))
				}
				return nil
			})
		})
	}
}

// awaitSent waits until the producer has sent that many messages more.
func awaitSent(t *testing.T, shell *javaShell, more int) {
	t.Helper()
	before, _, err := shell.sent()
	require.NoError(t, err)
	await(t, func() error {
		now, failures, err := shell.sent()
		if err == nil && len(now) < len(before)+more {
			err = fmt.Errorf("%d of %d messages were sent; failures: %v", len(now)-len(before), more, failures)
		}
		return err
	})
}
