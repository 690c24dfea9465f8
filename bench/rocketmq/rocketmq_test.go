//go:build linux

package rocketmq

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBrokerConf(t *testing.T) {
	conf := strings.Split(brokerConf("/tmp/store", "127.0.0.1:9876", 10911), "\n")
	require.Subset(t, conf, []string{
		"brokerName=broker-a", "listenPort=10911", "haListenPort=10912", "namesrvAddr=127.0.0.1:9876",
		"storePathRootDir=/tmp/store", "storePathCommitLog=/tmp/store/commitlog",
	})
}

func TestJavaName(t *testing.T) {
	require.Equal(t, "Java 17.0.15", javaName("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime Environment\n"))
	require.Equal(t, "an unknown Java", javaName("no"))
}

func TestWithoutJava(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Start(t.TempDir())
	require.ErrorContains(t, err, "cannot find java")
	require.ErrorContains(t, err, "apt install")
}
