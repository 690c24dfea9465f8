//go:build linux

package candidate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// haproxy is HAProxy in TCP mode, as its manual would have one do this: it understands nothing.
func haproxy(s Site, dir string) (*exec.Cmd, error) {
	path, err := exec.LookPath("haproxy")
	if err != nil {
		return nil, fmt.Errorf("cannot find haproxy, which is compared with (Debian: apt install haproxy; without it: -candidates direct,ours): %w", err)
	}
	file := filepath.Join(dir, "haproxy.cfg")
	return exec.Command(path, "-db", "-q", "-f", file), os.WriteFile(file, []byte(haproxyConfig(s)), 0o600)
}

func haproxyConfig(s Site) string {
	bind, server := "", ""
	if s.ClientTLS {
		bind = " ssl crt " + s.Certificate
	}
	if s.UpstreamTLS {
		server = " ssl verify none"
	}
	return fmt.Sprintf(`global
  nbthread 2
  ssl-default-bind-options ssl-min-ver TLSv1.3
  ssl-default-bind-ciphersuites TLS_AES_128_GCM_SHA256
  ssl-default-server-options ssl-min-ver TLSv1.3
  ssl-default-server-ciphersuites TLS_AES_128_GCM_SHA256
defaults
  mode tcp
  timeout connect 5s
  timeout client 10m
  timeout server 10m
listen name-server
  bind %s%s
  server sink %s%s
listen broker
  bind %s%[2]s
  server sink %[6]s%[4]s
`, s.Front, bind, s.NameServer, server, s.Second, s.Broker)
}
