package config

import "time"

// leaseLimits bound listener.grpc.lease: what brokers take, and what consumers need.
const (
	shortestLease = 10 * time.Second
	longestLease  = 12 * time.Hour
)

func (c *checker) listenerGRPC(at string, g *ListenerGRPC) {
	if g.Advertise != "" {
		c.hostPort(join(at, "advertise"), g.Advertise)
	}
	c.oneOf(join(at, "new_group_starts"), g.NewGroupStarts, StartAtEnd, StartAtBeginning)
	if g.Lease != 0 && (g.Lease < shortestLease || g.Lease > longestLease) {
		c.add(join(at, "lease"), g.Lease.String(), "must be 0 or between 10s and 12h", "write 0 to have it as the group says")
	}
}
