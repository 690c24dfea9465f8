package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Off loopback the admin address asks for a credential, and HTTPS comes whole.
func TestValidateAdminFailure(t *testing.T) {
	f := func(a Admin, want ...string) {
		t.Helper()
		cfg := valid(1)
		cfg.Admin = a
		cfg.Complete()
		err := Validate(cfg)
		require.Error(t, err)
		require.Equal(t, want, strings.Split(err.Error(), "\n"))
	}
	open := func(address string) string {
		return `cannot use admin.address = "` + address + `": other machines can reach it, and no credential is configured; ` +
			`set admin.token_file or admin.read_token_file, or admin.client_ca with admin.certificate and admin.key, or write a loopback address such as "127.0.0.1:9180"`
	}
	for _, address := range []string{":9180", "0.0.0.0:9180", "[::]:9180", "10.0.0.1:9180", "proxy.example.com:9180"} {
		f(Admin{Address: address}, open(address))
	}
	f(Admin{Address: ":9180", Certificate: "c.pem", Key: "k.pem"}, open(":9180"))
	f(Admin{Address: "127.0.0.1:9180", Certificate: "c.pem"},
		`cannot use admin.certificate = "c.pem": HTTPS needs a certificate and its key; set admin.key as well, or remove both`)
	f(Admin{Address: "127.0.0.1:9180", Key: "k.pem"},
		`cannot use admin.key = "k.pem": HTTPS needs a certificate and its key; set admin.certificate as well, or remove both`)
	f(Admin{Address: "127.0.0.1:9180", ClientCA: "ca.pem"},
		`cannot use admin.client_ca = "ca.pem": client certificates need HTTPS; set admin.certificate and admin.key as well`)
}

func TestAdminIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:1": true, "127.9.9.9:1": true, "[::1]:1": true, "localhost:1": true, "[::ffff:127.0.0.1]:1": true,
		":1": false, "0.0.0.0:1": false, "192.0.2.1:1": false, "localhost.example.com:1": false, "127.0.0.1": false,
	} {
		cfg := Default()
		cfg.Admin.Address = address
		require.Equal(t, want, cfg.AdminIsLoopback(), address)
	}
}
