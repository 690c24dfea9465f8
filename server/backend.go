package server

import (
	"fmt"
	"io"

	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
)

// backend is what the admin pages see of a server.
type backend struct{ s *Server }

func (b backend) NotReady() []string            { return b.s.notReady() }
func (b backend) WriteMetrics(w io.Writer)      { b.s.writeMetrics(w) }
func (b backend) Reload() (fmt.Stringer, error) { return b.s.Reload() }
func (b backend) Drain()                        { b.s.Drain() }

func (b backend) Maintenance() []admin.Maintained     { return b.s.operations.list() }
func (b backend) Maintain(m admin.Maintained) error   { return b.s.operations.maintain(m) }
func (b backend) EndMaintenance(t admin.Target) error { return b.s.operations.endMaintenance(t) }
func (b backend) Pauses() []admin.Paused              { return b.s.operations.pauses() }
func (b backend) Pause(cluster, broker string) error  { return b.s.operations.pause(cluster, broker) }

func (b backend) Resume(cluster, broker string) error { return b.s.operations.resume(cluster, broker) }
