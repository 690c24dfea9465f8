package cluster_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// answered is what these name servers say to what is no question for a route.
const answered = codec.ResTopicNotExist

func topicList() *codec.Command {
	return &codec.Command{Code: codec.ReqGetAllTopicListFromNameServer}
}

// turnTo has other name servers asked, as a reload does.
func turnTo(s *proxytest.Sim, servers ...string) {
	s.Tell(cluster, &messages.Source{NameServers: servers, Refresh: time.Hour})
}

// Clients' own connections to a name server that is removed go as soon as nothing of them is in flight; the clients
// stay, and what they ask next goes to another one.
func TestConnectionsToARemovedNameServerDrain(t *testing.T) {
	for _, onePort := range []bool{false, true} {
		t.Run(fmt.Sprint("one port: ", onePort), func(t *testing.T) { removedNameServerDrains(t, onePort) })
	}
}

func removedNameServerDrains(t *testing.T, onePort bool) {
	proxytest.InVirtualTime(t, proxytest.Options{
		NameServers: proxytest.NameServerAddresses(2), Listener: func(l *actors.Listener) { l.OnePort = onePort },
	}, func(t *testing.T, s *proxytest.Sim) {
		first, second := s.StartNameServer(0, proxytest.OnlyA), s.StartNameServer(1, proxytest.OnlyA)
		s.Start()
		idle, busy := s.Dial(s.NameServer()), s.Dial(s.NameServer())
		require.Equal(t, answered, idle.Call(topicList()).Code)
		first.Answers(func(c *codec.Command) *codec.Command {
			time.Sleep(20 * time.Second)
			return c.Answer(codec.ResSuccess, "late")
		})
		busy.Send(topicList())
		require.Len(t, first.Conns(), 3, "the cluster's, and each client's")

		turnTo(s, proxytest.NameServerAddress(1))
		time.Sleep(6 * time.Second)
		require.Len(t, first.Conns(), 1, "one waits for its answer")
		require.Equal(t, answered, idle.Call(topicList()).Code)

		require.Equal(t, "late", busy.Next().Remark)
		synctest.Wait()
		require.Empty(t, first.Conns(), "then it goes at once")
		require.Equal(t, answered, busy.Call(topicList()).Code)
		require.Len(t, second.Conns(), 3)
	})
}

// A name that stands for another machine: what is connected to the old one, which lives on, goes to the new one with the next
// refresh, and at once on a reload.
func TestConnectionsFollowTheNameOfANameServer(t *testing.T) {
	const name = "ns.example:9876"
	for when, reload := range map[string]bool{"with the next refresh": false, "at once on a reload": true} {
		t.Run(when, func(t *testing.T) {
			proxytest.InVirtualTime(t, proxytest.Options{NameServers: []string{name}}, func(t *testing.T, s *proxytest.Sim) {
				first, second := s.StartNameServer(0, proxytest.OnlyA), s.StartNameServer(1, proxytest.OnlyA)
				s.Network.Name(name, proxytest.NameServerAddress(0))
				s.Cluster().Lookup = s.Network.Lookup
				s.Start()
				c := s.Dial(s.NameServer())
				require.Equal(t, answered, c.Call(topicList()).Code)
				time.Sleep(time.Minute)
				require.Len(t, first.Conns(), 2, "the cluster's, and the client's")
				require.Equal(t, answered, c.Call(topicList()).Code)

				s.Network.Name(name, proxytest.NameServerAddress(1))
				if reload {
					s.Tell(actors.Root, &messages.Reloaded{})
					time.Sleep(6 * time.Second) // clients' connections are looked at now and then
				} else {
					time.Sleep(36 * time.Second)
				}
				synctest.Wait()
				require.Empty(t, first.Conns())
				require.Equal(t, answered, c.Call(topicList()).Code)
				time.Sleep(31 * time.Second)
				require.Len(t, second.Conns(), 2)
			})
		})
	}
}

// A name server that a reload leaves in its list, at another place, is no reason to move.
func TestConnectionsToANameServerThatStaysStay(t *testing.T) {
	proxytest.InVirtualTime(t, proxytest.Options{NameServers: proxytest.NameServerAddresses(2)}, func(t *testing.T, s *proxytest.Sim) {
		first := s.StartNameServer(0, proxytest.OnlyA)
		s.StartNameServer(1, proxytest.OnlyA)
		s.Start()
		require.Equal(t, answered, s.Dial(s.NameServer()).Call(topicList()).Code)
		turnTo(s, proxytest.NameServerAddress(1), proxytest.NameServerAddress(0))
		time.Sleep(20 * time.Second)
		require.Len(t, first.Conns(), 2)
	})
}
