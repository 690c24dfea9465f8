package main

import (
	"github.com/spf13/cobra"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

func (p *program) config() *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "Print the configuration in effect and where each value came from, secrets masked",
		Args:  noArguments,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := p.load(c)
			if err != nil {
				return err
			}
			if err := config.Print(p.stdout, cfg); err != nil {
				return failure{exitFailure, err}
			}
			return nil
		},
	}
	addSourceFlags(c)
	return c
}
