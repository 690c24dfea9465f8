package server

import (
	"fmt"
	"io"
)

// backend is what the admin pages see of a server.
type backend struct {
	s *Server
	*operations
}

func (b backend) NotReady() []string            { return b.s.notReady() }
func (b backend) WriteMetrics(w io.Writer)      { b.s.writeMetrics(w) }
func (b backend) Reload() (fmt.Stringer, error) { return b.s.Reload() }
func (b backend) Drain()                        { b.s.Drain() }
