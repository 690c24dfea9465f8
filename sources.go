package main

import (
	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// addSourceFlags gives a command the flags that make up a configuration. serve, check and config have the same, so
// that the one can be asked about what another would do.
func addSourceFlags(c *cobra.Command) {
	f := c.Flags()
	f.String("config", "", "TOML `file`; proxy.example.toml has every key")
	f.String("name-server", "", "name servers as `host:port[,host:port]`; enough to run without a file")
	f.String("listen", "", "`address` that clients use as their name server (default 0.0.0.0:9876)")
	f.String("admin", "", "`address` of /metrics, /stats and the like (default 127.0.0.1:9180)")
	f.String("stat-prefix", "", "`prefix` of statistics: rocketmq.<prefix>.* (default main)")
	f.String("log-level", "", "`level`: debug, info, warn or error (default info)")
}

// load builds the configuration from the file, the environment and the flags that were given.
func (p *program) load(c *cobra.Command) (*config.Config, error) {
	s := config.Sources{Env: p.env, Flags: map[string]any{}}
	s.File, _ = c.Flags().GetString("config")
	for _, name := range []string{"name-server", "listen", "admin", "stat-prefix", "log-level"} {
		if c.Flags().Changed(name) {
			s.Flags[name], _ = c.Flags().GetString(name)
		}
	}
	return config.Load(s)
}
