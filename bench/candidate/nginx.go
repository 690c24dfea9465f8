//go:build linux

package candidate

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// streamModule is what Debian's package libnginx-mod-stream has.
const streamModule = "/usr/lib/nginx/modules/ngx_stream_module.so"

// nginx is nginx as a TCP proxy: two workers, each with a listening socket of its own, so that both have clients.
func nginx(s Site, dir string) (*exec.Cmd, error) {
	path, err := exec.LookPath("nginx")
	if err == nil {
		_, err = os.Stat(streamModule)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot find nginx and its module stream, which are compared with (Debian: apt install nginx libnginx-mod-stream; without them: -candidates direct,haproxy,ours): %w", err)
	}
	file := filepath.Join(dir, "nginx.conf")
	return exec.Command(path, "-p", dir, "-e", "stderr", "-c", file), os.WriteFile(file, []byte(nginxConfig(s)), 0o600)
}

func nginxConfig(s Site) string {
	var listen, server string
	var secure strings.Builder
	if s.ClientTLS {
		listen = " ssl"
		fmt.Fprintf(&secure, "  ssl_certificate %s;\n  ssl_certificate_key %[1]s;\n  ssl_protocols TLSv1.3;\n  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;\n", s.Certificate)
	}
	if s.UpstreamTLS {
		server = " proxy_ssl on;"
		secure.WriteString("  proxy_ssl_protocols TLSv1.3;\n  proxy_ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;\n")
	}
	return fmt.Sprintf(`load_module %s;
daemon off;
pid nginx.pid;
user root;
worker_processes 2;
error_log stderr crit;
events { worker_connections 40000; }
stream {
  proxy_timeout 10m;
%s  server { listen %s%s reuseport backlog=4096; proxy_pass %s;%s }
  server { listen %s%[4]s reuseport backlog=4096; proxy_pass %[8]s;%[6]s }
}
`, streamModule, secure.String(), s.Front, listen, s.NameServer, server, s.Second, s.Broker)
}
