package connection

import "time"

// checkAge lets a connection go that is older than timeouts.connection_age, as a drain does: its client is told to connect
// again if it understands that (drain_go_away), and the connection closes in a quiet moment, or a tenth of the age later
// between two requests.
func (c *connection) checkAge(now int64) {
	s := c.env.Settings()
	if s.ConnectionAge <= 0 {
		return
	}
	over := now - c.born - int64(ageLimit(c.born, s.ConnectionAge))
	switch {
	case over < 0 || c.life.state > draining:
	case c.life.state == open:
		c.life.order().goAway = s.GoAway
		c.life.letGo(QuietBeforeEnd)
		c.closeIfDue()
	case over > int64(s.ConnectionAge/10) && c.life.drain.quiet > 0:
		c.life.letGo(0)
		c.closeIfDue()
	}
}

// ageLimit is the age at which a connection is let go: the limit, 10 % more or less, so that clients that came
// together do not leave together. It is the same each time for the moment of a connection's birth.
func ageLimit(born int64, limit time.Duration) time.Duration {
	const golden, bits = 0x9E3779B97F4A7C15, 16 // Fibonacci hashing spreads moments that are close to each other
	spread := int64(uint64(born) * golden >> (64 - bits))
	return limit - limit/10 + limit/5/(1<<bits)*time.Duration(spread)
}
