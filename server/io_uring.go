package server

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// ringOptions are those of the transport that transport.io_uring asks for.
func (s *Server) ringOptions(cfg *config.Config) []transport.Option {
	if cfg.Transport.IOUring == config.IOUringOff {
		return []transport.Option{transport.WithoutIOUring()}
	}
	return []transport.Option{transport.OnIOUringFailure(func(err error) {
		s.log.Warn("io_uring failed, going on without it", "error", err)
	})}
}

// logIOUring says whether io_uring is used: what the proxy costs hangs on it.
func (s *Server) logIOUring() {
	if err := transport.IOUring(s.sockets); err != nil {
		s.log.Info("io_uring not in use", "reason", err)
		return
	}
	s.log.Info("io_uring in use")
}

// ioUringEnabled is the metric of that name.
func (s *Server) ioUringEnabled() float64 { return number(transport.IOUring(s.sockets) == nil) }
