//go:build unix

package server

import (
	"log/slog"
	"syscall"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// ownDescriptors is what a process needs besides its clients: listening sockets, name servers, the admin address, logs.
const ownDescriptors = 256

// checkDescriptors warns when the system allows fewer open files than the limits promise to clients. Go has raised the
// soft limit to the hard one when the process began (os.init).
func checkDescriptors(cfg *config.Config, log *slog.Logger) {
	if allowed, need := descriptors(cfg); need > allowed {
		log.Warn("the system allows fewer open files than limits.connections_per_listener may need; "+
			"beyond that clients wait to be accepted instead of being refused: raise RLIMIT_NOFILE (ulimit -n, LimitNOFILE=), or lower the limit",
			"allowed", allowed, "needed", need, "connections_per_listener", cfg.Limits.ConnectionsPerListener)
	}
}

// descriptors are how many files may be open, and how many are needed for the limits: two sockets for each client, its
// own and the one towards its broker.
func descriptors(cfg *config.Config) (allowed, need uint64) {
	need = uint64(len(cfg.Listeners)*2*cfg.Limits.ConnectionsPerListener + ownDescriptors)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return need, need
	}
	return uint64(limit.Cur), need
}
