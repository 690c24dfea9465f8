package actors_test

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// answered is what these name servers say to what is no question for a route.
const answered = codec.ResTopicNotExist

func topicList() *codec.Command {
	return &codec.Command{Code: codec.ReqGetAllTopicListFromNameServer}
}

// turnTo has other name servers asked, as a reload does.
func (w *world) turnTo(servers ...string) {
	w.env.System.Root.Send(w.env.System.NewLocalPID("proxy/cluster/main"), &messages.NameServers{Addresses: servers, Refresh: time.Hour})
	synctest.Wait()
}

// Clients' own connections to a name server that is removed go as soon as nothing of them is in flight; the clients
// stay, and what they ask next goes to another one.
func TestConnectionsToARemovedNameServerDrain(t *testing.T) {
	inVirtualTime(t, 2, func(t *testing.T, w *world) {
		first, second := w.nameServerOf(0, onlyA), w.nameServerOf(1, onlyA)
		w.start()
		idle, busy := w.connect("127.0.0.1:9876"), w.connect("127.0.0.1:9876")
		require.Equal(t, answered, idle.ask(topicList()))
		first.answers(func(c *codec.Command) *codec.Command {
			time.Sleep(20 * time.Second)
			return c.Answer(codec.ResSuccess, "late")
		})
		busy.send(topicList())
		require.EqualValues(t, 3, first.open.Load(), "the directory's, and each client's")

		w.turnTo(nameServer(1))
		time.Sleep(6 * time.Second)
		require.EqualValues(t, 1, first.open.Load(), "one waits for its answer")
		require.Equal(t, answered, idle.ask(topicList()))

		require.Equal(t, "late", busy.next().Remark)
		synctest.Wait()
		require.Zero(t, first.open.Load(), "then it goes at once")
		require.Equal(t, answered, busy.ask(topicList()))
		require.EqualValues(t, 3, second.open.Load())
	})
}

// A name that stands for another machine: what is connected to the old one, which lives on, goes to the new one with the next
// refresh, and at once on a reload.
func TestConnectionsFollowTheNameOfANameServer(t *testing.T) {
	for name, reload := range map[string]bool{"with the next refresh": false, "at once on a reload": true} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 2, func(t *testing.T, w *world) {
				const host = "ns.example"
				first, second := w.nameServerOf(0, onlyA), w.nameServerOf(1, onlyA)
				leadTo := func(address string) {
					w.v.mu.Lock()
					defer w.v.mu.Unlock()
					w.v.names[host+":9876"] = address
				}
				leadTo(nameServer(0))
				w.dir = actors.NewCluster("main", []string{host + ":9876"}, 0)
				w.dir.Lookup = func(context.Context, string, string) ([]netip.Addr, error) {
					w.v.mu.Lock()
					defer w.v.mu.Unlock()
					return []netip.Addr{netip.MustParseAddrPort(w.v.names[host+":9876"]).Addr()}, nil
				}
				w.at.Cluster = w.dir
				w.start()
				c := w.connect("127.0.0.1:9876")
				require.Equal(t, answered, c.ask(topicList()))
				time.Sleep(time.Minute)
				require.EqualValues(t, 2, first.open.Load(), "the cluster's, and the client's")
				require.Equal(t, answered, c.ask(topicList()))

				leadTo(nameServer(1))
				if reload {
					w.env.System.Root.Send(w.top, &messages.Reloaded{})
					time.Sleep(6 * time.Second) // clients' connections are looked at now and then
				} else {
					time.Sleep(36 * time.Second)
				}
				synctest.Wait()
				require.Zero(t, first.open.Load())
				require.Equal(t, answered, c.ask(topicList()))
				time.Sleep(31 * time.Second)
				require.EqualValues(t, 2, second.open.Load())
			})
		})
	}
}

// A name server that a reload leaves in its list, at another place, is no reason to move.
func TestConnectionsToANameServerThatStaysStay(t *testing.T) {
	inVirtualTime(t, 2, func(t *testing.T, w *world) {
		first := w.nameServerOf(0, onlyA)
		w.nameServerOf(1, onlyA)
		w.start()
		require.Equal(t, answered, w.connect("127.0.0.1:9876").ask(topicList()))
		w.turnTo(nameServer(1), nameServer(0))
		time.Sleep(20 * time.Second)
		require.EqualValues(t, 2, first.open.Load())
	})
}
