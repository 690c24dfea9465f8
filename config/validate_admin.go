package config

// admin makes sure that the admin address asks other machines for a credential.
func (c *checker) admin() {
	a := &c.cfg.Admin
	if c.hostPort("admin.address", a.Address) && !c.cfg.AdminIsLoopback() && a.TokenFile == "" && a.ReadTokenFile == "" && a.ClientCA == "" {
		c.add("admin.address", quote(a.Address), "other machines can reach it, and no credential is configured",
			`set admin.token_file or admin.read_token_file, or admin.client_ca with admin.certificate and admin.key, or write a loopback address such as "127.0.0.1:9180"`)
	}
	for i, host := range a.Hosts {
		if !isHost(host) {
			c.add(index("admin.hosts", i), quote(host), "must be a host name without a port", `write it as "proxy.example.com"`)
		}
	}
	for _, pair := range [][2]string{{"certificate", "key"}, {"key", "certificate"}} {
		values := map[string]string{"certificate": a.Certificate, "key": a.Key}
		if given, missing := pair[0], pair[1]; values[given] != "" && values[missing] == "" {
			c.add(join("admin", given), quote(values[given]), "HTTPS needs a certificate and its key",
				"set "+join("admin", missing)+" as well, or remove both", join("admin", missing))
		}
	}
	if a.ClientCA != "" && a.Certificate == "" && a.Key == "" {
		c.add("admin.client_ca", quote(a.ClientCA), "client certificates need HTTPS",
			"set admin.certificate and admin.key as well", "admin.certificate")
	}
}

// AdminIsLoopback reports whether only this machine can reach the admin address. A host name other than localhost may
// be any address.
func (c *Config) AdminIsLoopback() bool {
	host, _, ok := splitAddress(c.Admin.Address)
	return ok && listenIP(host).IsLoopback()
}
