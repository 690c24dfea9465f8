package main

import (
	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// sourceFlags set keys of the configuration; the package config knows which.
var sourceFlags = []struct{ name, usage string }{
	{"name-server", "name servers as `host:port[,host:port]`; enough to run without a file"},
	{"listen", "`address` that clients use as their name server (default 0.0.0.0:9876)"},
	{"advertise", "`host` that clients connect to for brokers, behind NAT or in a container (default: the address that they used)"},
	{"broker-ports", "`ports` to listen on for brokers (default 20000-20999)"},
	{"advertise-ports", "`ports` that clients connect to instead of --broker-ports (default: the same)"},
	{"admin", "`address` of /metrics, /stats and the like (default 127.0.0.1:9180)"},
	{"stat-prefix", "`prefix` of statistics: rocketmq.<prefix>.* (default main)"},
	{"log-level", "`level`: debug, info, warn or error (default info)"},
}

// addSourceFlags gives a command the flags that make up a configuration. serve, check and config have the same, so
// that one shows what another would do.
func addSourceFlags(c *cobra.Command) {
	c.Flags().String("config", "", "TOML `file`; proxy.example.toml has every key")
	for _, f := range sourceFlags {
		c.Flags().String(f.name, "", f.usage)
	}
}

// load builds the configuration from the file, the environment and the flags that were given.
func (p *program) load(c *cobra.Command) (*config.Config, error) {
	s := config.Sources{Env: p.env, Flags: map[string]any{}}
	s.File, _ = c.Flags().GetString("config")
	for _, f := range sourceFlags {
		if c.Flags().Changed(f.name) {
			s.Flags[f.name], _ = c.Flags().GetString(f.name)
		}
	}
	return config.Load(s)
}
