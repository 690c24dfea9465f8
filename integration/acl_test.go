package integration

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
)

// Who may use the brokers of these stories, and somebody who pretends to be that.
var (
	rightful = primitive.Credentials{AccessKey: "rocketmq", SecretKey: "12345678"}
	imposter = primitive.Credentials{AccessKey: "rocketmq", SecretKey: "87654321"}
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

// startSecuredCluster starts a name server and a broker that lets in nobody but the rightful one.
func startSecuredCluster(t *testing.T, version string) *Cluster {
	t.Helper()
	requireReal(t)
	dir, err := runSubdir(unique(t, "secured"))
	require.NoError(t, err)
	classPath, err := jars("server-" + version)
	require.NoError(t, err)
	c := &Cluster{Version: version, dir: dir, classPath: classPath, brokers: make(map[string]*clusterBroker)}
	t.Cleanup(c.stop)
	require.NoError(t, c.startNameServer())
	require.NoError(t, c.configureBroker("broker-a"))
	b := c.brokers["broker-a"]
	conf, err := os.OpenFile(b.conf, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = conf.WriteString(securityOf[version])
	require.NoError(t, err)
	require.NoError(t, conf.Close())
	require.NoError(t, os.MkdirAll(filepath.Join(b.home, "conf"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(b.home, "conf", "plain_acl.yml"), []byte(plainACL), 0o644))
	require.NoError(t, c.launchBroker("broker-a"))
	require.NoError(t, c.awaitBroker("broker-a"))
	return c
}

// TestAccessControl: what a client has signed is what its broker checks, and the broker's refusal is what it gets.
func TestAccessControl(t *testing.T) {
	for version, refusal := range map[string]int{"4.9.7": 1, "5.5.0": 16} { // VERIFIED.md 10b.7
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			cluster := startSecuredCluster(t, version)
			proxied := ownProxy(t, cluster.NameServer, "")
			direct := &Target{Name: "direct", NameServer: cluster.NameServer}
			topic := unique(t, "topic") // made by the first send: the harness signs nothing

			p := proxied.Producer(t, producer.WithCredentials(rightful))
			bodies := randomBodies(20)
			for _, body := range bodies[:10] {
				send(t, p, primitive.NewMessage(topic, body))
			}
			await(t, func() error { // the broker tells the name server when it gets to it
				route, err := routeOf(t.Context(), proxied.NameServer, topic)
				if err == nil && len(route) == 0 {
					err = fmt.Errorf("topic %s has no route yet", topic)
				}
				return err
			})
			in := new(inbox)
			proxied.Consumer(t, unique(t, "group"), topic, consumer.MessageSelector{}, in.accept, consumer.WithCredentials(rightful))
			in.awaitExactly(t, bodies[:10])

			for who, credentials := range map[string]primitive.Credentials{"a wrong secret": imposter, "no signature": {}} {
				want := sendRefused(t, direct, credentials, topic)
				require.Contains(t, want, fmt.Sprintf("CODE: %d,", refusal), "%s, direct", who)
				require.Equal(t, want[:9], sendRefused(t, proxied, credentials, topic)[:9], "%s, behind the proxy", who)
			}

			registerSigned(t, proxied.Brokers["broker-a"])
			cluster.KillBroker("broker-a")
			require.NoError(t, cluster.RestartBroker("broker-a"))
			await(t, func() error { return replayed(proxied) })
			for _, body := range bodies[10:] {
				await(t, func() error {
					_, err := p.SendSync(t.Context(), primitive.NewMessage(topic, body))
					return err
				})
			}
			// What a killed broker had not written down of the group's progress comes again.
			await(t, func() error { return in.missing(bodies) })
			log, err := os.ReadFile(proxied.proxy.logPath)
			require.NoError(t, err)
			require.NotContains(t, string(log), "refused a replayed heartbeat")
		})
	}
}

// missing is an error while some body has not come.
func (in *inbox) missing(bodies [][]byte) error {
	got := make(map[string]bool)
	for _, m := range in.all() {
		got[string(m.Body)] = true
	}
	missing := 0
	for _, body := range bodies {
		if !got[string(body)] {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d messages have not come", missing, len(bodies))
	}
	return nil
}

// registerSigned makes itself a consumer, as a Java client that stays connected while its broker is away (the Go client
// is refused then), with a signature over the values of the fields and the body, as AclUtils.java makes it.
func registerSigned(t *testing.T, broker string) {
	t.Helper()
	body := []byte(`{"clientID":"signed","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET",` +
		`"consumeType":"CONSUME_PASSIVELY","groupName":"signed","messageModel":"CLUSTERING","subscriptionDataSet":[],"unitMode":false}],"producerDataSet":[]}`)
	mac := hmac.New(sha1.New, []byte(rightful.SecretKey))
	mac.Write([]byte(rightful.AccessKey))
	mac.Write(body)
	header, err := json.Marshal(map[string]any{"code": 34, "language": "JAVA", "version": 401, "opaque": 1, "flag": 0,
		"extFields": map[string]string{"AccessKey": rightful.AccessKey, "Signature": base64.StdEncoding.EncodeToString(mac.Sum(nil))}})
	require.NoError(t, err)
	frame := binary.BigEndian.AppendUint32(nil, uint32(4+len(header)+len(body)))
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(header)))
	conn, err := net.Dial("tcp", broker)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = conn.Write(append(append(frame, header...), body...))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	var read []byte // the answer, and before it perhaps that the group has a new member (40)
	for b := make([]byte, 4096); !strings.Contains(string(read), `"code":0`); {
		n, err := conn.Read(b)
		require.NoError(t, err, "read %q", read)
		read = append(read, b[:n]...)
	}
}

// sendRefused sends with credentials that are no good and returns the error.
func sendRefused(t *testing.T, target *Target, credentials primitive.Credentials, topic string) string {
	t.Helper()
	p := target.Producer(t, producer.WithCredentials(credentials))
	_, err := p.SendSync(t.Context(), primitive.NewMessage(topic, []byte("let me in")))
	require.Error(t, err)
	return err.Error()
}

// replayed reports whether the proxy has replayed a heartbeat.
func replayed(target *Target) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	text, err := httpGet(ctx, "http://"+target.proxy.admin+"/metrics")
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "rocketmq_proxy_heartbeats_replayed_total") && !strings.HasSuffix(strings.TrimSpace(line), " 0") {
			return nil
		}
	}
	return fmt.Errorf("no heartbeat has been replayed by the proxy at %s", target.proxy.admin)
}
