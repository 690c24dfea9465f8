//go:build linux

package candidate

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestApacheConfig(t *testing.T) {
	text, err := apacheConfig("127.0.0.1:4711", "127.0.0.1:4712", "127.0.0.1:9876")
	require.NoError(t, err)
	require.JSONEq(t, `{"proxyMode": "CLUSTER", "rocketMQClusterName": "DefaultCluster", "namesrvAddr": "127.0.0.1:9876",
		"localServeAddr": "127.0.0.1", "remotingAccessAddr": "127.0.0.1", "remotingListenPort": 4711, "grpcServerPort": 4712}`, string(text))
	_, err = apacheConfig("127.0.0.1:http", "127.0.0.1:4712", "127.0.0.1:9876")
	require.Error(t, err)
}

// What the load generator dials is what the configuration says, and the home is where nothing of ours is kept.
func TestApacheCommand(t *testing.T) {
	dir := t.TempDir()
	cmd, err := apache(Site{Front: "127.0.0.1:4711", Second: "127.0.0.1:4712", NameServer: "127.0.0.1:9876", Jars: "/jars/*"}, dir)
	require.NoError(t, err)
	file := filepath.Join(dir, "rmq-proxy.json")
	require.Equal(t, []string{"-cp", "/jars/*", "org.apache.rocketmq.proxy.ProxyStartup", "-pc", file}, cmd.Args[len(cmd.Args)-5:])
	require.Subset(t, cmd.Args, []string{"-Xmx4g", "-Drocketmq.home.dir=" + dir, "-Duser.home=" + dir})
	require.Subset(t, cmd.Env, []string{"ROCKETMQ_HOME=" + dir, "RMQ_PROXY_HOME=" + dir})
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	var config struct{ RemotingListenPort int }
	require.NoError(t, json.Unmarshal(text, &config))
	require.Equal(t, 4711, config.RemotingListenPort)
}
