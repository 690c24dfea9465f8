package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/testca"
)

func TestCheckTLS(t *testing.T) {
	ca, dir := testca.New(t), t.TempDir()
	pair := ca.Files(t, dir, "mq")
	authority := filepath.Join(dir, "ca.crt")
	require.NoError(t, os.WriteFile(authority, ca.PEM, 0o600))
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{ca.Certificate(t, "mq")}})
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go c.(*tls.Conn).Handshake()
		}
	}()
	f := func(more, serverName string, code int, stdout, stderr string) {
		t.Helper()
		text := fmt.Sprintf("[[cluster]]\nname_servers = [%q]\n[cluster.tls]\nenabled = true\nca = %q\nserver_name = %q\n[admin]\naddress = '127.0.0.1:0'\n[[listener]]\naddress = '127.0.0.1:0'\nbroker_ports = 0\n%s", ln.Addr(), authority, serverName, more)
		gotCode, gotOut, gotErr := call(nil, "check", "--dial", "--config", writeConfig(t, text))
		require.Equal(t, code, gotCode)
		require.Contains(t, gotOut, stdout)
		require.Equal(t, stderr, gotErr)
	}
	f("", "mq", 0, "every name server and static broker can be reached: 1\n", "")
	f("", "other", 2, "certificate is valid for mq, not other", "problems found: 1\n")
	f(fmt.Sprintf("[listener.tls]\nmode = 'required'\ncertificate = %q\nkey = %q\n", pair.Certificate, authority), "mq", 2,
		"cannot use listener[0].tls.certificate = \""+pair.Certificate+"\" of listener \"main\"", "problems found: 1\n")
}
