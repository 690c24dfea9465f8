package actors_test

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// swapWorld is a proxy with the clusters f, g and h, each of which has a broker-a, and listeners on one host. Each broker
// says in its answers whose it is.
type swapWorld struct {
	t        *testing.T
	v        *virtual
	env      *actors.Env
	top      *actor.PID
	clusters map[string]*actors.Cluster
	log      *proxytest.Log
}

// swapListener is what a configuration says of a listener.
type swapListener struct {
	name, cluster string
	address, port int // on 10.0.0.1; port is the only one of its range
}

func swapTest(t *testing.T, before []swapListener, test func(t *testing.T, w *swapWorld)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &swapWorld{t: t, v: newVirtual(), clusters: map[string]*actors.Cluster{}, log: &proxytest.Log{}}
		w.env = actors.NewEnv(w.v, slog.New(slog.NewTextHandler(w.log, nil)), actors.Settings{}, func(why error) { t.Error(why) })
		w.env.InjectFaults()
		tree := &actors.Tree{Stats: actors.NewStatistics("main")}
		for i, name := range []string{"f", "g", "h"} {
			ns, broker := fmt.Sprintf("192.0.2.%d:9876", i+1), fmt.Sprintf("192.0.2.%d:10911", i+1)
			require.NoError(t, w.v.serve(ns, func(nc net.Conn) { go serveConn(nc, proxytest.Knows(broker)) }))
			require.NoError(t, w.v.serve(broker, func(nc net.Conn) {
				go serveConn(nc, func(c *codec.Command) *codec.Command { return c.Answer(codec.ResSuccess, name) })
			}))
			w.clusters[name] = actors.NewCluster(name, []string{ns}, time.Hour)
			tree.Clusters = append(tree.Clusters, w.clusters[name])
		}
		tree.Listeners = w.listeners(before)
		var err error
		w.top, err = w.env.Start(tree)
		require.NoError(t, err)
		synctest.Wait()
		test(t, w)
		require.NoError(t, w.env.Stop(w.top))
		w.v.close()
		time.Sleep(time.Minute) // timers of the library end by themselves
	})
}

func (w *swapWorld) listeners(all []swapListener) (list []*actors.Listener) {
	for _, c := range all {
		ports := route.PortOptions{Listen: route.PortRange{First: c.port, Last: c.port}}
		table, err := route.NewPortTable(ports, nil)
		require.NoError(w.t, err)
		list = append(list, &actors.Listener{
			Name: c.name, Address: fmt.Sprintf("10.0.0.1:%d", c.address), StatPrefix: "main",
			Ports: ports, Cluster: w.clusters[c.cluster], Table: table, Late: w.top != nil,
		})
	}
	return list
}

// reload carries a reload out, with the sockets that a reload can open beforehand.
func (w *swapWorld) reload(all []swapListener) {
	w.t.Helper()
	r := &actors.Revision{Next: &actors.Tree{Stats: w.env.Tree().Stats, Clusters: w.env.Tree().Clusters, Listeners: w.listeners(all)}, DrainTimeout: time.Minute}
	require.NoError(w.t, w.env.Revise(w.top, r))
}

// leads checks where the clients of a listener are led: those of its own cluster, or nowhere.
func (w *swapWorld) leads(c *guest, cluster string) (led bool) {
	w.t.Helper()
	c.send(&codec.Command{Code: codec.ReqGetRouteInfoByTopic, Ext: map[string]string{"topic": "News"}})
	body := string(c.next().Body)
	_, after, found := strings.Cut(body, `10.0.0.1:`)
	if !found {
		return false
	}
	address := "10.0.0.1:" + after[:5]
	nc, err := w.v.dial(w.t.Context(), "tcp", address)
	if err != nil {
		return false
	}
	defer nc.Close()
	broker := &guest{t: w.t, nc: nc}
	broker.send(pull())
	require.Equal(w.t, cluster, broker.next().Remark, "whose broker answers at %s, which listener of %s has told", address, cluster)
	return true
}

func (w *swapWorld) connect(address int) *guest {
	nc, err := w.v.dial(w.t.Context(), "tcp", fmt.Sprintf("10.0.0.1:%d", address))
	require.NoError(w.t, err)
	w.t.Cleanup(func() { nc.Close() })
	return &guest{t: w.t, nc: nc}
}

// Listeners whose addresses and ports change hands in one reload never lead a client to another cluster, and each has its
// own ports a moment later.
func TestPortsThatChangeHandsLeadNobodyToAnotherCluster(t *testing.T) {
	for name, c := range map[string]struct{ before, after []swapListener }{
		"swap": {
			[]swapListener{{"one", "f", 9001, 20001}, {"two", "g", 9002, 20002}},
			[]swapListener{{"one", "f", 9002, 20002}, {"two", "g", 9001, 20001}},
		},
		"swap of ports": {
			[]swapListener{{"one", "f", 9001, 20001}, {"two", "g", 9002, 20002}},
			[]swapListener{{"one", "f", 9001, 20002}, {"two", "g", 9002, 20001}},
		},
		"shift": {
			[]swapListener{{"one", "f", 9001, 20001}, {"two", "g", 9002, 20002}},
			[]swapListener{{"one", "f", 9002, 20002}, {"two", "g", 9003, 20003}},
		},
		"shift the other way": {
			[]swapListener{{"two", "g", 9002, 20002}, {"one", "f", 9001, 20001}},
			[]swapListener{{"two", "g", 9001, 20001}, {"one", "f", 9003, 20003}},
		},
		"cluster and a taken address": {
			[]swapListener{{"one", "f", 9001, 20001}, {"two", "g", 9002, 20002}},
			[]swapListener{{"one", "h", 9002, 20002}, {"two", "g", 9003, 20003}},
		},
		"ports of one that is removed": {
			[]swapListener{{"one", "f", 9001, 20001}, {"two", "g", 9002, 20002}},
			[]swapListener{{"two", "g", 9001, 20001}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			swapTest(t, c.before, func(t *testing.T, w *swapWorld) {
				clusters := map[*guest]string{}
				for _, l := range c.before {
					clusters[w.connect(l.address)] = l.cluster
				}
				for client, cluster := range clusters {
					require.True(t, w.leads(client, cluster))
				}
				w.reload(c.after)
				for range 20 { // their connections are let go when they have been quiet for a second
					for client, cluster := range clusters {
						w.leads(client, cluster)
					}
					time.Sleep(20 * time.Millisecond)
				}
				time.Sleep(time.Second)
				for _, l := range c.after {
					require.True(t, w.leads(w.connect(l.address), l.cluster), "listener %s has its port", l.name)
				}
			})
		})
	}
}
