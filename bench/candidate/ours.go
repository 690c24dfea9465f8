//go:build linux

package candidate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
)

// Variables of variants of ours.
const (
	withoutRing = "ROCKETMQ_PROXY_TRANSPORT__IO_URING=off"
	withIDs     = "ROCKETMQ_PROXY_LISTENER__0__REWRITE_MESSAGE_IDS=false"
)

// ours is `serve` with a port for each broker and every feature on.
func ours(s Site, dir string) (*exec.Cmd, error) { return serve(s, s.Binary, dir) }

// before is the same of another binary.
func before(s Site, dir string) (*exec.Cmd, error) { return serve(s, s.Before, dir) }

// oursWithoutRing is ours on a kernel that forbids io_uring.
func oursWithoutRing(s Site, dir string) (*exec.Cmd, error) {
	return serve(s, s.Binary, dir, withoutRing)
}

// oursWithIDs leaves message ids and store hosts as brokers write them.
func oursWithIDs(s Site, dir string) (*exec.Cmd, error) { return serve(s, s.Binary, dir, withIDs) }

// oursOnOnePort has one port for all brokers.
func oursOnOnePort(s Site, dir string) (*exec.Cmd, error) {
	s.OnePort = true
	return serve(s, s.Binary, dir)
}

// oursWithRoutes has one port for the brokers of two clusters, and ten routes.
func oursWithRoutes(s Site, dir string) (*exec.Cmd, error) {
	s.OnePort, s.Routed = true, true
	return serve(s, s.Binary, dir)
}

// oursWithLimit counts requests and bytes for a limit.
func oursWithLimit(s Site, dir string) (*exec.Cmd, error) {
	s.Limited = true
	return serve(s, s.Binary, dir)
}

func serve(s Site, binary, dir string, env ...string) (*exec.Cmd, error) {
	file := filepath.Join(dir, "proxy.toml")
	cmd := exec.Command(binary, "serve", "--config", file)
	cmd.Env = append(append(os.Environ(), s.Env...), env...)
	return cmd, os.WriteFile(file, []byte(oursConfig(s)), 0o600)
}

func oursConfig(s Site) string {
	var b strings.Builder
	fmt.Fprintf(&b, "log = { level = \"error\" }\n[admin]\naddress = %q\n", s.Metrics)
	fmt.Fprintf(&b, "[[cluster]]\nname = \"bench\"\nname_servers = [%q]\n", s.NameServer)
	if s.UpstreamTLS {
		b.WriteString("tls = { enabled = true, insecure_skip_verify = true }\n")
	}
	if s.Routed {
		fmt.Fprintf(&b, "[[cluster]]\nname = \"other\"\n[[cluster.broker]]\nname = %q\naddress = %q\ntopics = [\"*\"]\n", wire.OtherBroker, s.Broker)
	}
	fmt.Fprintf(&b, "[[listener]]\nname = \"bench\"\naddress = %q\ncluster = \"bench\"\n", s.Front)
	if s.OnePort {
		b.WriteString("brokers = \"one-port\"\nvip_channel = false\n")
	} else {
		b.WriteString("broker_ports = \"0\"\n")
	}
	if s.ClientTLS {
		fmt.Fprintf(&b, "tls = { mode = \"required\", certificate = %q, key = %[1]q }\n", s.Certificate)
	}
	if s.Proxied {
		fmt.Fprintf(&b, "[[listener]]\nname = \"behind-a-balancer\"\naddress = %q\ncluster = \"bench\"\nbroker_ports = \"0\"\nproxy_protocol_from = [\"127.0.0.0/8\"]\n", s.Second)
	}
	if s.Routed {
		for i := range 10 {
			fmt.Fprintf(&b, "[[route]]\ntopic = { prefix = \"orders-%d\" }\ncluster = \"other\"\n", i)
		}
	}
	if s.Limited {
		fmt.Fprintf(&b, "[[limit]]\nname = \"plenty\"\ntopic = { exact = %q }\nper = \"group\"\nrequests_per_second = 1_000_000_000\nbytes_per_second = \"1000GiB\"\n", wire.Topic)
	}
	return b.String()
}

// Build makes the binary that is measured, as a release is made.
func Build(dir string) (string, error) {
	binary := filepath.Join(dir, "rocketmq-proxy")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, "github.com/rocketmq-proxy/rocketmq-proxy")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the proxy; run from its source, or give -binary: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return binary, nil
}

// KnowsRing tells a binary whose configuration can forbid io_uring.
func KnowsRing(binary string) bool {
	cmd := exec.Command(binary, "config")
	cmd.Env = append(os.Environ(), withoutRing)
	out, _ := cmd.CombinedOutput() // it also says what else is missing from a configuration of one key
	return !strings.Contains(string(out), "unknown key")
}
