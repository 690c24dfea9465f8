package server

import (
	"context"
	"math"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
)

// report asks every client connection about itself.
func (s *Server) report() []*actors.Connection {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	list, _ := s.proxy.Connections(ctx, actors.Filter{}, actors.Page{Limit: math.MaxInt})
	return list
}
