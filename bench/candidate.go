//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// candidate is something that stands between generator and sink.
type candidate struct {
	name string
	// command prepares one run: files go to dir; it is stopped by SIGKILL. nil: nothing stands between.
	command func(b *bench, dir string) (*exec.Cmd, error)
	// nameServer is what clients dial.
	nameServer func(b *bench) string
	// jit has a process compile what it runs often while it runs: it is measured after a load that has it do so.
	jit bool
}

var candidates = []candidate{
	{name: "direct", nameServer: func(b *bench) string { return b.nameServer }},
	{name: "haproxy", command: haproxy, nameServer: func(b *bench) string { return b.front }},
	{name: "apache", command: apache, nameServer: func(b *bench) string { return b.front }, jit: true},
	{name: "before", command: before, nameServer: func(b *bench) string { return b.front }},
	{name: "ours", command: ours, nameServer: func(b *bench) string { return b.front }},
}

// start returns when the candidate has given its first answer.
func (b *bench) start(c candidate) (*running, error) {
	nameServer := c.nameServer(b)
	if c.command == nil {
		return &running{nameServer: nameServer}, nil
	}
	dir, err := os.MkdirTemp(b.dir, c.name)
	if err != nil {
		return nil, err
	}
	cmd, err := c.command(b, dir)
	if err != nil {
		return nil, err
	}
	r, err := launch(c.name, cmd)
	if err != nil {
		return nil, err
	}
	r.nameServer = nameServer
	return r, r.await(func() error {
		_, err := askRoute(nameServer)
		return err
	})
}

// haproxy is HAProxy in TCP mode, as its manual would have one do this: it understands nothing.
func haproxy(b *bench, dir string) (*exec.Cmd, error) {
	path, err := exec.LookPath("haproxy")
	if err != nil {
		return nil, fmt.Errorf("cannot find haproxy, which is compared with (Debian: apt install haproxy; without it: -candidates direct,ours): %w", err)
	}
	cfg := fmt.Sprintf(`global
  nbthread 2
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
listen name-server
  bind %s
  server sink %s
listen broker
  bind %s
  server sink %s
`, b.front, b.sink.Advertised, b.second, b.sink.Broker)
	file := filepath.Join(dir, "haproxy.cfg")
	return exec.Command(path, "-db", "-q", "-f", file), os.WriteFile(file, []byte(cfg), 0o600)
}

// ours is `serve` with a port for each broker and every feature on.
func ours(b *bench, dir string) (*exec.Cmd, error) { return serve(b, b.binary, dir) }

// before is the same of another binary.
func before(b *bench, dir string) (*exec.Cmd, error) { return serve(b, b.before, dir) }

func serve(b *bench, binary, dir string) (*exec.Cmd, error) {
	cfg := fmt.Sprintf(`log = { level = "error" }
[[cluster]]
name = "bench"
name_servers = [%q]
[[listener]]
name = "bench"
address = %q
broker_ports = "0"
[admin]
address = "127.0.0.1:0"
`, b.nameServer, b.front)
	file := filepath.Join(dir, "proxy.toml")
	cmd := exec.Command(binary, "serve", "--config", file)
	cmd.Env = append(os.Environ(), b.env...)
	return cmd, os.WriteFile(file, []byte(cfg), 0o600)
}

// build makes the binary that is measured, as a release is made.
func build(dir string) (string, error) {
	binary := filepath.Join(dir, "rocketmq-proxy")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, "github.com/rocketmq-proxy/rocketmq-proxy")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build the proxy; run from its source, or give -binary: %w\n%s", err, strings.TrimSpace(string(out)))
	}
	return binary, nil
}
