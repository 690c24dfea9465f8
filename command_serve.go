package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/server"
)

func (p *program) serve() *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the proxy",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := p.load(c)
			if err != nil {
				return err
			}
			if err := server.CheckFiles(cfg); err != nil {
				return err
			}
			log, level, flush := p.startLog(cfg.Log)
			defer flush()
			redirectLibraries(log)
			err = untilSignal(log, func(ctx context.Context, stopNow, hangup <-chan struct{}) error {
				again := func() (*config.Config, error) { return p.load(c) }
				return server.Run(ctx, cfg, log, stopNow, server.WithReload(again, level, hangup), server.WithBuild(build()))
			})
			if err != nil {
				log.Error("stopped by an error", "error", err)
				return failure{code: exitFailure}
			}
			return nil
		},
	}
	addSourceFlags(c)
	return c
}
