package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestListenerGRPCIsChecked(t *testing.T) {
	for want, spoil := range map[string]func(g *ListenerGRPC){
		"grpc.advertise":        func(g *ListenerGRPC) { g.Advertise = "proxy" },
		"grpc.new_group_starts": func(g *ListenerGRPC) { g.NewGroupStarts = "middle" },
		"grpc.lease":            func(g *ListenerGRPC) { g.Lease = time.Second },
	} {
		c := valid(1)
		c.Complete()
		require.NoError(t, Validate(c))
		spoil(&c.Listeners[0].GRPC)
		require.ErrorContains(t, Validate(c), want)
	}
}
