package actors_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

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
