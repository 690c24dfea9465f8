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
	var dial, strict bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Report all problems of a configuration, and of this machine with it; exit with 0 or 2",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := p.load(c)
			problems := p.findings(cfg, err, strict)
			if dial && cfg != nil {
				problems += p.dialAll(cfg) + p.sameNames(cfg)
			}
			if problems > 0 {
				return failure{exitUsage, fmt.Errorf("problems found: %d", problems)}
			}
			fmt.Fprintf(p.stdout, "the configuration is valid: clusters: %d, listeners: %d\n", len(cfg.Clusters), len(cfg.Listeners))
			return nil
		},
	}
	addSourceFlags(c)
	c.Flags().BoolVar(&dial, "dial", false, "also try to connect to every name server and static broker, and compare the names of brokers")
	c.Flags().BoolVar(&strict, "strict", false, "count warnings as problems")
	return c
}

// findings prints what is wrong with a configuration or, when it cannot be used, with as much of it as could be read.
func (p *program) findings(cfg *config.Config, err error, strict bool) (problems int) {
	var bad *config.Problems
	var warnings []config.Problem
	if errors.As(err, &bad) {
		if also := new(config.Problems); bad.Config != nil && errors.As(server.CheckFiles(bad.Config), &also) {
			bad.List = append(bad.List, also.List...)
		}
	} else {
		found := server.Check(cfg)
		bad, warnings = &config.Problems{List: found.Problems}, found.Warnings
		if found.Running != "" {
			fmt.Fprintf(p.stdout, "a proxy is running with this configuration (%s): its ports were not tried\n", found.Running)
		}
	}
	for _, problem := range bad.List {
		fmt.Fprintln(p.stdout, problem)
	}
	for _, warning := range warnings {
		fmt.Fprintln(p.stdout, warning.Warning())
	}
	problems = len(bad.List)
	if strict {
		problems += len(warnings)
	}
	return problems
}

// dialAll tries all name servers and static brokers at once, reports in the order of the file and counts those that cannot be reached.
func (p *program) dialAll(cfg *config.Config) (unreachable int) {
	var reports []chan error
	try := func(cluster *config.Cluster, what, address, key string) {
		report := make(chan error, 1)
		reports = append(reports, report)
		go func() { report <- dial(cluster, what, address, key) }()
	}
	for i := range cfg.Clusters {
		cluster := &cfg.Clusters[i]
		for _, address := range cluster.NameServers {
			try(cluster, "name server "+address, address, "name_servers")
		}
		for _, b := range cluster.Brokers {
			try(cluster, fmt.Sprintf("broker %s/%d at %s", b.Name, b.ID, b.Address), b.Address, "cluster.broker.address")
		}
	}
	for _, report := range reports {
		if err := <-report; err != nil {
			fmt.Fprintln(p.stdout, err)
			unreachable++
		}
	}
	if unreachable == 0 {
		fmt.Fprintf(p.stdout, "every name server and static broker can be reached: %d\n", len(reports))
	}
	return unreachable
}

func dial(cluster *config.Cluster, what, address, key string) error {
	conn, err := connect(cluster, address)
	if err != nil {
		return fmt.Errorf("cannot reach %s of cluster %q: %w; start it, or correct %s", what, cluster.Name, err, key)
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
