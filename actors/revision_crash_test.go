package actors_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// revise takes the lab to a tree with other listeners, whose name-server ports are open already where they are new.
func (l *lab) revise(opened map[string]string, listeners ...*actors.Listener) {
	l.t.Helper()
	now := l.env.Tree()
	r := &actors.Revision{Next: &actors.Tree{Stats: now.Stats, Clusters: now.Clusters, Listeners: listeners},
		Sockets: map[*actors.Listener]transport.Listener{}, DrainTimeout: time.Hour}
	for _, next := range listeners {
		if address, ok := opened[next.Name]; ok {
			ln, err := l.v.Listen(address)
			require.NoError(l.t, err)
			r.Sockets[next] = ln
		}
	}
	require.NoError(l.t, l.env.Revise(l.top, r))
	synctest.Wait()
}

func (l *lab) listenerAt(name, address string) *actors.Listener {
	l.t.Helper()
	ports := route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20009}}
	table, err := route.NewPortTable(ports, nil)
	require.NoError(l.t, err)
	return &actors.Listener{Name: name, Address: address, StatPrefix: "main", Ports: ports, Cluster: l.env.Tree().Clusters[0],
		Table: table, Late: true}
}

// A listener that a reload has brought or changed, and that fails too often, opens again as the reload wants it.
func TestCrashLoopOfAListenerAfterAReload(t *testing.T) {
	const moved, added = "10.0.0.8:9876", "10.0.0.9:9876"
	f := func(name, address string, listeners func(l *lab) []*actors.Listener) {
		t.Helper()
		inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
			l.revise(map[string]string{name: address}, listeners(l)...)
			require.False(t, l.refuses(address))
			l.fault("proxy/listener/"+name, 11)
			require.True(t, l.refuses(address))
			time.Sleep(time.Second)
			synctest.Wait()
			require.False(t, l.refuses(address), "it opens again")
			require.Equal(t, name != "a", !l.refuses(doorA), "and nothing else")
			l.join(address)
			require.Len(t, l.env.Actors("proxy/listener/"+name+"/connections/connection$"), 1, "somebody accepts")
		})
	}
	f("a", moved, func(l *lab) []*actors.Listener { return []*actors.Listener{l.listenerAt("a", moved)} })
	f("new", added, func(l *lab) []*actors.Listener {
		return []*actors.Listener{l.env.Tree().Listeners[0], l.listenerAt("new", added)}
	})
}

// One that a reload has removed, or that drains, does not come back when it fails on its way out.
func TestCrashLoopOfAListenerThatLeaves(t *testing.T) {
	f := func(leave func(l *lab)) {
		t.Helper()
		inLab(t, actors.Settings{}, func(t *testing.T, l *lab) {
			c := l.join(doorABroker)
			c.sends(pullOf(1)) // it stays until that is answered
			l.broker()
			leave(l)
			require.True(t, c.open())
			l.fault("proxy/listener/a", 11)
			require.False(t, c.open())
			time.Sleep(5 * time.Minute)
			require.True(t, l.refuses(doorA))
			require.Empty(t, l.env.Actors("proxy/listener/a"))
		})
	}
	f(func(l *lab) { l.revise(nil) })
	f(func(l *lab) {
		l.env.System.Root.Send(l.top, &messages.Drain{Over: time.Hour})
		synctest.Wait()
	})
}
