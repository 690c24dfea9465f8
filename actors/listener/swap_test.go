package listener_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// swapped is a proxy with the clusters f, g and h, each of which has a broker-a that says in its answers whose it is, and
// listeners on one host.
type swapped struct {
	*proxytest.Sim
	clusters map[string]*actors.Cluster
}

// swapListener is what a configuration says of a listener.
type swapListener struct {
	name, cluster string
	address, port int // on 10.0.0.1; port is the only one of its range
}

func swapTest(t *testing.T, before []swapListener, test func(t *testing.T, s *swapped)) {
	t.Helper()
	proxytest.InVirtualTime(t, proxytest.Options{}, func(t *testing.T, sim *proxytest.Sim) {
		s := &swapped{Sim: sim, clusters: map[string]*actors.Cluster{}}
		s.Tree.Clusters = nil
		for i, name := range []string{"f", "g", "h"} {
			ns, broker := fmt.Sprintf("192.0.2.%d:9876", i+1), fmt.Sprintf("192.0.2.%d:10911", i+1)
			s.FakeBroker(ns).Answers(proxytest.Knows(broker))
			s.FakeBroker(broker).Answers(func(c *codec.Command) *codec.Command { return c.Answer(codec.ResSuccess, name) })
			s.clusters[name] = actors.NewCluster(name, []string{ns}, time.Hour)
			s.Tree.Clusters = append(s.Tree.Clusters, s.clusters[name])
		}
		s.Tree.Listeners = s.listeners(before)
		s.Start()
		test(t, s)
	})
}

func (s *swapped) listeners(all []swapListener) (list []*actors.Listener) {
	for _, c := range all {
		ports := route.PortOptions{Listen: route.PortRange{First: c.port, Last: c.port}}
		table, err := route.NewPortTable(ports, nil)
		require.NoError(s.T, err)
		list = append(list, &actors.Listener{
			Name: c.name, Address: fmt.Sprintf("10.0.0.1:%d", c.address), StatPrefix: "main",
			Ports: ports, Cluster: s.clusters[c.cluster], Table: table, Late: s.Top != nil,
		})
	}
	return list
}

// reload carries a reload out, with the sockets that a reload can open beforehand.
func (s *swapped) reload(all []swapListener) {
	s.T.Helper()
	r := &actors.Revision{Next: &actors.Tree{Stats: s.Env.Tree().Stats, Clusters: s.Env.Tree().Clusters, Listeners: s.listeners(all)}, DrainTimeout: time.Minute}
	require.NoError(s.T, s.Env.Revise(s.Top, r))
}

// leads checks where the clients of a listener are led: those of its own cluster, or nowhere.
func (s *swapped) leads(c *proxytest.Client, cluster string) (led bool) {
	s.T.Helper()
	_, after, found := strings.Cut(string(c.Call(proxytest.RouteRequest("News")).Body), `10.0.0.1:`)
	if !found {
		return false
	}
	address := "10.0.0.1:" + after[:5]
	nc, err := s.Network.Connect(s.T.Context(), "tcp", address)
	if err != nil {
		return false
	}
	defer nc.Close()
	whose := proxytest.NewClient(s.T, nc).Call(proxytest.PullRequest(0)).Remark
	require.Equal(s.T, cluster, whose, "whose broker answers at %s, which listener of %s has told", address, cluster)
	return true
}

func (s *swapped) connect(address int) *proxytest.Client {
	return s.Dial(fmt.Sprintf("10.0.0.1:%d", address))
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
			swapTest(t, c.before, func(t *testing.T, s *swapped) {
				clusters := map[*proxytest.Client]string{}
				for _, l := range c.before {
					clusters[s.connect(l.address)] = l.cluster
				}
				for client, cluster := range clusters {
					require.True(t, s.leads(client, cluster))
				}
				s.reload(c.after)
				for range 20 { // their connections are let go when they have been quiet for a second
					for client, cluster := range clusters {
						s.leads(client, cluster)
					}
					time.Sleep(20 * time.Millisecond)
				}
				time.Sleep(time.Second)
				for _, l := range c.after {
					require.True(t, s.leads(s.connect(l.address), l.cluster), "listener %s has its port", l.name)
				}
			})
		})
	}
}
