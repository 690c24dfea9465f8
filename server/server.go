// Package server puts the proxy together.
package server

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// DevOptions are the addresses of the development server.
type DevOptions struct {
	Listen    string
	Admin     string
	CheckOnly bool
}

// Run serves cfg until ctx is cancelled and then drains.
func Run(ctx context.Context, cfg *config.Config, log *slog.Logger, stopNow <-chan struct{}) error {
	return errors.New("server: being written")
}

// Dev serves an embedded RocketMQ behind the proxy.
func Dev(ctx context.Context, opts DevOptions, log *slog.Logger, out io.Writer, stopNow <-chan struct{}) error {
	return errors.New("server: being written")
}
