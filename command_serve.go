package main

import (
	"context"
	"io"
	"log/slog"

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
			log, level := newLog(p.stderr, cfg.Log)
			return untilSignal(log, func(ctx context.Context, stopNow, hangup <-chan struct{}) error {
				again := func() (*config.Config, error) { return p.load(c) }
				return server.Run(ctx, cfg, log, stopNow, server.WithReload(again, level, hangup))
			})
		},
	}
	addSourceFlags(c)
	return c
}

func (p *program) dev() *cobra.Command {
	var opts server.DevOptions
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a name server, a broker and the proxy in front of them, all in this process, and check that they work",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			// What dev has seen goes to standard output; the log adds only what is wrong.
			log, _ := newLog(p.stderr, config.Log{Level: "warn", Format: "text"})
			return untilSignal(log, func(ctx context.Context, stopNow, hangup <-chan struct{}) error {
				return server.Dev(ctx, opts, log, p.stdout, stopNow, server.WithReload(nil, nil, hangup))
			})
		},
	}
	c.Flags().StringVar(&opts.Listen, "listen", "127.0.0.1:9876", "`address` to give to clients as their name server")
	c.Flags().StringVar(&opts.Admin, "admin", "127.0.0.1:9180", "`address` of /metrics, /stats and the like")
	c.Flags().BoolVar(&opts.CheckOnly, "check-only", false, "run the self-check and exit, with 0 or 1")
	return c
}

// newLog makes the log that a configuration asks for, and its level, which may change. Its words have been validated.
func newLog(w io.Writer, l config.Log) (*slog.Logger, *slog.LevelVar) {
	level := new(slog.LevelVar)
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		panic("BUG: a log level passed validation: " + err.Error())
	}
	opts := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, opts)), level
	}
	return slog.New(slog.NewTextHandler(w, opts)), level
}
