package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/server"
)

func (p *program) dev() *cobra.Command {
	var opts server.DevOptions
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a name server, a broker and the proxy in front of them in this process, and check that they work",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			if err := errors.Join(free("--listen", opts.Listen, "a name server"), free("--admin", opts.Admin, "another proxy")); err != nil {
				return failure{exitFailure, err}
			}
			// What dev has seen goes to standard output; the log adds only what is wrong.
			log, _, flush := p.startLog(config.Log{Level: "warn", Format: "text"})
			defer flush()
			redirectLibraries(log)
			err := untilSignal(log, func(ctx context.Context, stopNow, hangup <-chan struct{}) error {
				return server.Dev(ctx, opts, log, p.stdout, stopNow, server.WithReload(nil, nil, hangup), server.WithBuild(build()))
			})
			if err != nil {
				return failure{exitFailure, err}
			}
			return nil
		},
	}
	c.Flags().StringVar(&opts.Listen, "listen", "127.0.0.1:9876", "`address` to give to clients as their name server")
	c.Flags().StringVar(&opts.Admin, "admin", "127.0.0.1:9180", "`address` of /metrics, /stats and the like")
	c.Flags().BoolVar(&opts.CheckOnly, "check-only", false, "run the self-check and exit, with 0 or 1")
	return c
}

// free is an error when another process has the address of a flag. Other mistakes are found when it is opened.
func free(flag, address, owner string) error {
	ln, err := net.Listen("tcp", address)
	if err == nil {
		return ln.Close()
	}
	host, _, splits := net.SplitHostPort(address)
	if !errors.Is(err, syscall.EADDRINUSE) || splits != nil {
		return nil
	}
	return fmt.Errorf("%s %s is taken (%s on this machine?); try %s %s", flag, address, owner, flag, net.JoinHostPort(host, "0"))
}
