package actors_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// revise takes the lab to a tree with other listeners, whose name-server ports are open already where they are new.
func revise(l *proxytest.Sim, opened map[string]string, listeners ...*actors.Listener) {
	l.T.Helper()
	now := l.Env.Tree()
	r := &actors.Revision{
		Next:    &actors.Tree{Stats: now.Stats, Clusters: now.Clusters, Listeners: listeners},
		Sockets: map[*actors.Listener]transport.Listener{}, DrainTimeout: time.Hour,
	}
	for _, next := range listeners {
		if address, ok := opened[next.Name]; ok {
			ln, err := l.Network.Listen(address)
			require.NoError(l.T, err)
			r.Sockets[next] = ln
		}
	}
	require.NoError(l.T, l.Env.Revise(l.Top, r))
	synctest.Wait()
}

func listenerAt(l *proxytest.Sim, name, address string) *actors.Listener {
	l.T.Helper()
	ports := route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20009}}
	table, err := route.NewPortTable(ports, nil)
	require.NoError(l.T, err)
	return &actors.Listener{
		Name: name, Address: address, StatPrefix: "main", Ports: ports, Cluster: l.Env.Tree().Clusters[0],
		Table: table, Late: true,
	}
}

// A listener that a reload has brought or changed, and that fails too often, opens again as the reload wants it.
func TestCrashLoopOfAListenerAfterAReload(t *testing.T) {
	const moved, added = "10.0.0.8:9876", "10.0.0.9:9876"
	f := func(name, address string, listeners func(l *proxytest.Sim) []*actors.Listener) {
		t.Helper()
		proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
			revise(l, map[string]string{name: address}, listeners(l)...)
			require.False(t, l.Refuses(address))
			l.Kill("proxy/listener/"+name, 11)
			require.True(t, l.Refuses(address))
			time.Sleep(time.Second)
			synctest.Wait()
			require.False(t, l.Refuses(address), "it opens again")
			require.Equal(t, name != "office", !l.Refuses(proxytest.OfficePort), "and nothing else")
			l.Dial(address)
			require.Len(t, l.Env.Actors("proxy/listener/"+name+"/connections/connection$"), 1, "somebody accepts")
		})
	}
	f("office", moved, func(l *proxytest.Sim) []*actors.Listener { return []*actors.Listener{listenerAt(l, "office", moved)} })
	f("new", added, func(l *proxytest.Sim) []*actors.Listener {
		return []*actors.Listener{l.Env.Tree().Listeners[0], listenerAt(l, "new", added)}
	})
}

// One that a reload has removed, or that drains, does not come back when it fails on its way out.
func TestCrashLoopOfAListenerThatLeaves(t *testing.T) {
	f := func(leave func(l *proxytest.Sim)) {
		t.Helper()
		proxytest.InSim(t, proxytest.Options{}, func(t *testing.T, l *proxytest.Sim) {
			c := l.Dial(proxytest.OfficeBrokerPort)
			c.WriteFrames(proxytest.PullRequest(1)) // it stays until that is answered
			l.Broker.Accept()
			leave(l)
			require.True(t, c.Open())
			l.Kill("proxy/listener/office", 11)
			require.False(t, c.Open())
			time.Sleep(5 * time.Minute)
			require.True(t, l.Refuses(proxytest.OfficePort))
			require.Empty(t, l.Env.Actors("proxy/listener/office"))
		})
	}
	f(func(l *proxytest.Sim) { revise(l, nil) })
	f(func(l *proxytest.Sim) {
		l.Drain(messages.Drain{Over: time.Hour})
	})
}
