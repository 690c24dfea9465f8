//go:build linux

package candidate

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/jvm"
)

// apacheOptions are those of bin/runserver.sh, which a release of RocketMQ starts its proxy with on Java 9 and later,
// but for the log of the garbage collector.
var apacheOptions = []string{
	"-server", "-Xms4g", "-Xmx4g", "-XX:MetaspaceSize=128m", "-XX:MaxMetaspaceSize=320m",
	"-XX:+UseG1GC", "-XX:G1HeapRegionSize=16m", "-XX:G1ReservePercent=25", "-XX:InitiatingHeapOccupancyPercent=30",
	"-XX:SoftRefLRUPolicyMSPerMB=0", "-XX:-OmitStackTraceInFastThrow", "-XX:-UseLargePages",
	// bin/mqproxy: the logging of a release, INFO to files. It is in the jar as well.
	"-Drmq.logback.configurationFile=rmq.proxy.logback.xml",
}

// apache is Apache's own proxy in front of a cluster, with its remoting port for clients.
func apache(s Site, dir string) (*exec.Cmd, error) {
	config, err := apacheConfig(s.Front, s.Second, s.NameServer)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(dir, "rmq-proxy.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		return nil, err
	}
	argv := jvm.Command(apacheOptions, dir, s.Jars, "org.apache.rocketmq.proxy.ProxyStartup", "-pc", file)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "ROCKETMQ_HOME="+dir, "RMQ_PROXY_HOME="+dir)
	return cmd, nil
}

// apacheConfig is rmq-proxy.json: addresses, and for the rest the defaults.
func apacheConfig(remoting, grpc, nameServer string) ([]byte, error) {
	host, remotingPort, err := hostAndPort(remoting)
	if err != nil {
		return nil, err
	}
	_, grpcPort, err := hostAndPort(grpc)
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(map[string]any{
		"proxyMode":           "CLUSTER",
		"rocketMQClusterName": "DefaultCluster",
		"namesrvAddr":         nameServer,
		"localServeAddr":      host,
		"remotingAccessAddr":  host, // what its routes tell clients to dial, with the port
		"remotingListenPort":  remotingPort,
		"grpcServerPort":      grpcPort,
	}, "", "  ")
}

func hostAndPort(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(text)
	return host, port, err
}
