//go:build !unix

package server

import (
	"log/slog"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// checkDescriptors: this system has no such limit.
func checkDescriptors(*config.Config, *slog.Logger) {}

func descriptors(*config.Config) (allowed, need uint64) { return 0, 0 }
