package server

import (
	"context"
	"net"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/handover"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// claims are the addresses that listeners are to have without another process (reuse_port).
func claims(cfg *config.Config) (all []handover.Claim) {
	for i := range cfg.Listeners {
		l := &cfg.Listeners[i]
		if _, port, _ := net.SplitHostPort(l.Address); port != "0" && !l.ReusePort {
			all = append(all, handover.Claim{Listener: l.Name, Address: l.Address})
		}
	}
	return all
}

// handOver gives one connection after another to a successor, until none is left that can be given, or half of the
// time is over. Each stands still for the moment that it is on its way.
func (s *Server) handOver(ctx context.Context) {
	deadline, _ := ctx.Deadline()
	// What has begun by half of the time may end, but not later: what stays here needs the rest.
	longest, stop := context.WithTimeout(ctx, time.Until(deadline)*3/4)
	defer stop()
	successor, err := s.handover.Successor(longest)
	if err != nil {
		s.log.Warn("cannot reach the successor", "hand_over", s.config().HandOver, "error", err)
	}
	if successor == nil {
		return
	}
	defer successor.Close()
	s.log.Info("handing connections over", s.counts("process", successor.PID)...)
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
	defer cancel()
	refusals := map[string]int{}
	moved, err := s.proxy.HandOver(ctx, func(p *messages.HandedOverConnection) (messages.HandOverOutcome, error) {
		outcome, refused, err := successor.Give(p)
		if refused == "" {
			return outcome, err
		}
		if refusals[refused]++; refusals[refused] == 1 { // thousands may be refused for one reason
			s.log.Warn("successor refused a connection", "listener", p.State.Listener, "broker", p.State.Broker.String(), "reason", refused)
		}
		return outcome, err
	})
	if err != nil {
		s.log.Error("hand-over to the successor interrupted", "error", err)
	}
	s.log.Info("connections handed over", s.counts("handed_over", moved, "refused", countOf(refusals), "after_seconds", seconds(time.Since(begun)))...)
}

func countOf(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

// seconds are for logs: to the millisecond, the same as text and JSON.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1e3 }
