package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/server"
)

// dialTimeout is long enough for a name server that is there, and short enough to wait for.
const dialTimeout = 2 * time.Second

func (p *program) check() *cobra.Command {
	var dial bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Report all problems of a configuration; exit with 0 or 2",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := p.load(c)
			var bad *config.Problems
			if errors.As(err, &bad) {
				fmt.Fprintln(p.stdout, err)
				return failure{exitUsage, fmt.Errorf("problems found: %d", len(bad.List))}
			}
			if err := server.CheckFiles(cfg); err != nil {
				fmt.Fprintln(p.stdout, err)
				return failure{exitUsage, errors.New("the configuration names TLS files that cannot be used")}
			}
			fmt.Fprintf(p.stdout, "the configuration is right: clusters: %d, listeners: %d\n", len(cfg.Clusters), len(cfg.Listeners))
			if dial {
				return p.dialAll(cfg)
			}
			return nil
		},
	}
	addSourceFlags(c)
	c.Flags().BoolVar(&dial, "dial", false, "also try to connect to every name server")
	return c
}

// dialAll tries all name servers at once and reports in the order of the file.
func (p *program) dialAll(cfg *config.Config) error {
	var reports []chan error
	for i := range cfg.Clusters {
		cluster := &cfg.Clusters[i]
		for _, address := range cluster.NameServers {
			report := make(chan error, 1)
			reports = append(reports, report)
			go func() { report <- dial(cluster, address) }()
		}
	}
	unreachable := 0
	for _, report := range reports {
		if err := <-report; err != nil {
			fmt.Fprintln(p.stdout, err)
			unreachable++
		}
	}
	if unreachable > 0 {
		return failure{exitUsage, fmt.Errorf("name servers that cannot be reached: %d of %d", unreachable, len(reports))}
	}
	fmt.Fprintf(p.stdout, "every name server can be reached: %d\n", len(reports))
	return nil
}

func dial(cluster *config.Cluster, address string) error {
	conn, err := connect(cluster, address)
	if err != nil {
		return fmt.Errorf("cannot reach name server %s of cluster %q: %w; start it, or put name_servers right", address, cluster.Name, err)
	}
	return conn.Close()
}

func connect(cluster *config.Cluster, address string) (net.Conn, error) {
	secured, err := server.ClusterTLS(cluster)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: dialTimeout}
	if secured == nil {
		return dialer.Dial("tcp", address)
	}
	return tls.DialWithDialer(dialer, "tcp", address, secured)
}
