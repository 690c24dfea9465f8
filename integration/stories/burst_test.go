package stories

import (
	"bytes"
	"context"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// Request codes (PROTOCOL.md B).
const (
	sendMessage  = 10
	pullMessage  = 11
	getMaxOffset = 30
)

// TestAClientThatPullsAndDoesNotReadDoesNotHarmItsBroker has some clients pull much and read nothing, as one whose process
// stands still does, beside a broker that has little direct memory. It makes answers there; without any it can neither
// answer others nor register with its name server. Another client is served all the time.
func TestAClientThatPullsAndDoesNotReadDoesNotHarmItsBroker(t *testing.T) {
	t.Parallel()
	const (
		topic         = "Large"
		size          = 200 << 10
		clients       = 4
		pulls         = 4096
		lasts         = 25 * time.Second // more than two registrations
		atLeastServed = 50
	)
	cluster := harness.StartClusterWith(t, "5.5.0", 1, nil, "-XX:MaxDirectMemorySize=192m")
	target := harness.ConfiguredProxy(t, harness.ProxyConfig{NameServer: cluster.NameServer})
	ctx, cancel := context.WithTimeout(t.Context(), harness.Patience)
	defer cancel()
	masters, err := harness.Masters(ctx, target.NameServer)
	require.NoError(t, err)
	require.NoError(t, harness.CreateTopic(ctx, target.NameServer, masters, topic, 1))
	broker := masters["broker-a"]
	send := map[string]string{
		"producerGroup": "large", "topic": topic, "defaultTopic": "TBW102", "defaultTopicQueueNums": "1", "queueId": "0",
		"sysFlag": "0", "bornTimestamp": "0", "flag": "0", "properties": "", "reconsumeTimes": "0", "unitMode": "false", "batch": "false",
	}
	call := func(code int, fields map[string]string, body []byte) *harness.Answer {
		conn, err := net.Dial("tcp", broker)
		require.NoError(t, err)
		defer conn.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		a, err := harness.Exchange(ctx, conn, code, fields, body)
		require.NoError(t, err)
		require.NoError(t, a.Err())
		return a
	}
	for range 4 {
		call(sendMessage, send, make([]byte, size))
	}

	for i := range clients {
		var burst []byte
		for opaque := range int32(pulls) {
			frame, err := harness.RequestFrame(pullMessage, opaque, map[string]string{
				"consumerGroup": "silent-" + strconv.Itoa(i), "topic": topic, "queueId": "0", "queueOffset": "0", "maxMsgNums": "32",
				"sysFlag": "6", "commitOffset": "0", "suspendTimeoutMillis": "15000", "subscription": "*", "subVersion": "1", "expressionType": "TAG",
			}, nil)
			require.NoError(t, err)
			burst = append(burst, frame...)
		}
		conn, err := net.Dial("tcp", broker)
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(64<<10))
		go conn.Write(burst) //nolint:errcheck // the proxy may take no more
	}

	served := 0
	for begun := time.Now(); time.Since(begun) < lasts; time.Sleep(100 * time.Millisecond) {
		call(getMaxOffset, map[string]string{"topic": topic, "queueId": "0"}, nil)
		call(sendMessage, send, []byte("small"))
		masters, err := harness.Masters(t.Context(), cluster.NameServer)
		require.NoError(t, err)
		require.Contains(t, masters, "broker-a", "the broker is registered")
		served++
	}
	require.Greater(t, served, atLeastServed)
	requireNoOutOfMemory(t, filepath.Dir(cluster.Broker("broker-a").LogPath))
}

// requireNoOutOfMemory looks at all that a broker has logged below its home.
func requireNoOutOfMemory(t *testing.T, home string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".log" && entry.Name() != "stdout" {
			return err
		}
		log, err := os.ReadFile(path)
		require.False(t, bytes.Contains(log, []byte("OutOfMemory")) || bytes.Contains(log, []byte("OutOfDirectMemory")), "%s", path)
		return err
	}))
}
