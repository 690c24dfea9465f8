package stories

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

// TestTLSOfJavaClients has Java clients that check the proxy's certificate and show their own produce and consume
// through a proxy that insists on both.
func TestTLSOfJavaClients(t *testing.T) {
	t.Parallel()
	real := harness.DirectTarget(t, "5.5.0")
	dir, err := harness.RunSubdir(harness.Unique(t, "certificates"))
	require.NoError(t, err)
	ca := testca.New(t)
	proxyPair, clientPair := ca.Files(t, dir, "proxy"), ca.Files(t, dir, "client")
	authority := filepath.Join(dir, "ca.crt")
	require.NoError(t, os.WriteFile(authority, ca.PEM, 0o600))
	proxied := harness.ConfiguredProxy(t, harness.ProxyConfig{NameServer: real.NameServer, Listener: fmt.Sprintf(`
[listener.tls]
mode = "required"
certificate = %q
key = %q
client_ca = %q
`, proxyPair.Certificate, proxyPair.Key, authority)})
	_, err = harness.Masters(t.Context(), proxied.NameServer)
	require.Error(t, err, "plain connections are refused")

	shell := harness.StartJavaShell(t, "5.5.0", "-Dtls.enable=true", "-Dtls.test.mode.enable=false", "-Dtls.client.authServer=true",
		"-Dtls.client.trustCertPath="+authority, "-Dtls.client.certPath="+clientPair.Certificate, "-Dtls.client.keyPath="+clientPair.Key)
	produceAndConsume(t, shell, real, proxied)
}

// TestTLSTowardsRealBrokers has the proxy speak TLS to brokers and a name server that make up their certificates
// themselves, as they do unless they are told otherwise (tls.test.mode.enable).
func TestTLSTowardsRealBrokers(t *testing.T) {
	t.Parallel()
	real := harness.DirectTarget(t, "5.5.0")
	proxied := harness.ConfiguredProxy(t, harness.ProxyConfig{NameServer: real.NameServer, Cluster: `
send_proxy_protocol = true
[cluster.tls]
enabled = true
insecure_skip_verify = true
`})
	produceAndConsume(t, harness.StartJavaShell(t, "5.5.0"), real, proxied)
}

// produceAndConsume requires that what a Java producer sends through a proxy comes to a Java consumer.
func produceAndConsume(t *testing.T, shell *harness.JavaShell, real, proxied *harness.Target) {
	t.Helper()
	topic := real.Topic(t, 4)
	require.NoError(t, shell.StartMember(proxied.NameServer, topic, harness.Unique(t, "group"), harness.Unique(t, "client")))
	require.NoError(t, shell.StartProducer(proxied.NameServer, topic, harness.Unique(t, "producer"), harness.Unique(t, "client")))
	// The first TLS handshakes of a JVM may take longer than a producer's 3 s on a busy machine.
	early := awaitStored(t, shell, 100)
	awaitStored(t, shell, 200)
	require.NoError(t, shell.StopProducer())
	_, failures, err := shell.Sent()
	require.NoError(t, err)
	require.Empty(t, failures[early:])
	awaitAllReceived(t, shell)
}

// awaitStored waits until that many messages were sent and returns how many sends have failed by then.
func awaitStored(t *testing.T, shell *harness.JavaShell, n int) (failed int) {
	t.Helper()
	harness.Await(t, func() error {
		stored, failures, err := shell.Sent()
		if err == nil && len(stored) < n {
			err = fmt.Errorf("%d of %d messages were sent; failures: %v", len(stored), n, failures)
		}
		failed = len(failures)
		return err
	})
	return failed
}

// awaitAllReceived waits until the members of a shell have got all that its producer has sent.
func awaitAllReceived(t *testing.T, shell *harness.JavaShell) {
	t.Helper()
	harness.Await(t, func() error {
		stored, _, err := shell.Sent()
		if err != nil {
			return err
		}
		received, err := shell.Received()
		if err != nil {
			return err
		}
		for _, sum := range stored {
			if received[sum] == 0 {
				return fmt.Errorf("%d of %d messages have come", len(received), len(stored))
			}
		}
		return nil
	})
}
