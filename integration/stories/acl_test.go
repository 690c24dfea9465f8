package stories

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// The user whom the brokers of these stories know, and that user with another secret.
var (
	validCredentials = primitive.Credentials{AccessKey: "rocketmq", SecretKey: "12345678"}
	wrongCredentials = primitive.Credentials{AccessKey: "rocketmq", SecretKey: "87654321"}
)

// plainACL is conf/plain_acl.yml of a 4.9 broker.
const plainACL = `
accounts:
- accessKey: rocketmq
  secretKey: "12345678"
  whiteRemoteAddress:
  admin: true
`

// securityOf are the lines of broker.conf that have a broker check signatures.
var securityOf = map[string]string{
	"4.9.7": "aclEnable=true\n",
	"5.5.0": `authenticationEnabled=true
authenticationProvider=org.apache.rocketmq.auth.authentication.provider.DefaultAuthenticationProvider
authenticationMetadataProvider=org.apache.rocketmq.auth.authentication.provider.LocalAuthenticationMetadataProvider
initAuthenticationUser={"username":"rocketmq","password":"12345678"}
innerClientAuthenticationCredentials={"accessKey":"rocketmq","secretKey":"12345678"}
authorizationEnabled=true
authorizationProvider=org.apache.rocketmq.auth.authorization.provider.DefaultAuthorizationProvider
authorizationMetadataProvider=org.apache.rocketmq.auth.authorization.provider.LocalAuthorizationMetadataProvider
`,
}

// startSecuredCluster starts a name server and a broker that lets in nobody but the owner of validCredentials.
func startSecuredCluster(t *testing.T, version string) *harness.Cluster {
	t.Helper()
	return harness.StartClusterWith(t, version, 1, func(home, conf string) error {
		file, err := os.OpenFile(conf, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer file.Close()
		if _, err := file.WriteString(securityOf[version]); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(home, "conf", "plain_acl.yml"), []byte(plainACL), 0o644)
	})
}

// TestAccessControl: what a client has signed is what its broker checks, and the broker's refusal is what it gets.
func TestAccessControl(t *testing.T) {
	for version, refusal := range map[string]int{"4.9.7": 1, "5.5.0": 16} { // VERIFIED.md 10b.7
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			cluster := startSecuredCluster(t, version)
			cluster.Open(t)
			proxied := harness.OwnProxy(t, harness.ProxyConfig{NameServer: cluster.NameServer})
			direct := &harness.Target{Name: "direct", NameServer: cluster.NameServer}
			topic := harness.Unique(t, "topic") // made by the first send: the harness signs nothing

			p := proxied.Producer(t, producer.WithCredentials(validCredentials))
			bodies := harness.RandomBodies(20)
			for _, body := range bodies[:10] {
				harness.Send(t, p, primitive.NewMessage(topic, body))
			}
			harness.Await(t, func() error { // the broker tells the name server when it gets to it
				route, err := harness.RouteOf(t.Context(), proxied.NameServer, topic)
				if err == nil && len(route) == 0 {
					err = fmt.Errorf("topic %s has no route yet", topic)
				}
				return err
			})
			in := new(harness.Inbox)
			proxied.Consumer(t, harness.Unique(t, "group"), topic, consumer.MessageSelector{}, in.Accept, consumer.WithCredentials(validCredentials))
			in.AwaitExactly(t, bodies[:10])

			for who, credentials := range map[string]primitive.Credentials{"a wrong secret": wrongCredentials, "no signature": {}} {
				want := sendRefused(t, direct, credentials, topic)
				require.Contains(t, want, fmt.Sprintf("CODE: %d,", refusal), "%s, direct", who)
				require.Equal(t, want[:9], sendRefused(t, proxied, credentials, topic)[:9], "%s, behind the proxy", who)
			}

			registerSigned(t, proxied.Brokers["broker-a"])
			cluster.KillBroker("broker-a")
			require.NoError(t, cluster.RestartBroker("broker-a"))
			harness.Await(t, func() error { return replayed(proxied) })
			for _, body := range bodies[10:] {
				harness.Await(t, func() error {
					_, err := p.SendSync(t.Context(), primitive.NewMessage(topic, body))
					return err
				})
			}
			// What a killed broker had not written down of the group's progress comes again.
			harness.Await(t, func() error { return in.Missing(bodies) })
			log, err := os.ReadFile(proxied.Proxy.LogPath)
			require.NoError(t, err)
			require.NotContains(t, string(log), "rejected replayed heartbeat")
		})
	}
}

// registerSigned makes itself a consumer, as a Java client that stays connected while its broker is away (the Go client
// is refused then), with a signature over the values of the fields and the body, as AclUtils.java makes it.
func registerSigned(t *testing.T, broker string) {
	t.Helper()
	body := []byte(`{"clientID":"signed","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET",` +
		`"consumeType":"CONSUME_PASSIVELY","groupName":"signed","messageModel":"CLUSTERING","subscriptionDataSet":[],"unitMode":false}],"producerDataSet":[]}`)
	mac := hmac.New(sha1.New, []byte(validCredentials.SecretKey))
	mac.Write([]byte(validCredentials.AccessKey))
	mac.Write(body)
	header, err := json.Marshal(map[string]any{
		"code": 34, "language": "JAVA", "version": 401, "opaque": 1, "flag": 0,
		"extFields": map[string]string{"AccessKey": validCredentials.AccessKey, "Signature": base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	})
	require.NoError(t, err)
	frame := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(body)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(header)))
	conn, err := net.Dial("tcp", broker)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = conn.Write(append(append(frame, header...), body...))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(harness.Patience)))
	var read []byte // the answer, and before it perhaps that the group has a new member (40)
	for b := make([]byte, 4096); !strings.Contains(string(read), `"code":0`); {
		n, err := conn.Read(b)
		require.NoError(t, err, "read %q", read)
		read = append(read, b[:n]...)
	}
}

// sendRefused sends with credentials that are no good and returns the error.
func sendRefused(t *testing.T, target *harness.Target, credentials primitive.Credentials, topic string) string {
	t.Helper()
	p := target.Producer(t, producer.WithCredentials(credentials))
	_, err := p.SendSync(t.Context(), primitive.NewMessage(topic, []byte("let me in")))
	require.Error(t, err)
	return err.Error()
}

// replayed reports whether the proxy has replayed a heartbeat.
func replayed(target *harness.Target) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	text, err := harness.HTTPGet(ctx, "http://"+target.Proxy.Admin+"/metrics")
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "rocketmq_proxy_heartbeats_replayed_total") && !strings.HasSuffix(strings.TrimSpace(line), " 0") {
			return nil
		}
	}
	return fmt.Errorf("no heartbeat has been replayed by the proxy at %s", target.Proxy.Admin)
}
