package server

import (
	"log/slog"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

const (
	// ownDescriptors is what a process needs besides its clients: listening sockets, name servers, the admin address, logs.
	ownDescriptors = 256
	// perConnection is a client's own socket, and the one towards its broker.
	perConnection = 2
)

// connectionLimit is limits.connections_per_listener, or less when the system does not allow as many open files: beyond
// that clients would wait to be accepted instead of being refused. 0: no limit.
func connectionLimit(cfg *config.Config, allowed uint64) int {
	limit := cfg.Limits.ConnectionsPerListener
	if allowed == 0 || len(cfg.Listeners) == 0 {
		return limit
	}
	own := min(ownDescriptors, allowed/2)
	fits := max(int((min(allowed, 1<<40)-own)/perConnection)/len(cfg.Listeners), 1)
	if limit == 0 || limit > fits {
		return fits
	}
	return limit
}

// tellConnectionLimit logs that the limit was lowered.
func tellConnectionLimit(cfg *config.Config, log *slog.Logger) {
	allowed := allowedDescriptors()
	if limit := connectionLimit(cfg, allowed); limit < cfg.Limits.ConnectionsPerListener {
		log.Info("connection limit lowered to fit open files", "connections_per_listener", limit,
			"configured", cfg.Limits.ConnectionsPerListener, "open_files", allowed)
	}
}

// descriptors are how many files may be open, and how many are needed for the limits.
func descriptors(cfg *config.Config) (allowed, need uint64) {
	need = uint64(len(cfg.Listeners)*perConnection*cfg.Limits.ConnectionsPerListener + ownDescriptors)
	if allowed = allowedDescriptors(); allowed == 0 {
		return need, need
	}
	return allowed, need
}
