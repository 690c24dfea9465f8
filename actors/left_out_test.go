package actors_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// rangeTest is a proxy with broker-a, whose broker ports are 20000 to 20003, and other processes at some of them.
func rangeTest(t *testing.T, taken []int, test func(t *testing.T, w *world, others map[int]*virtualPlace)) {
	t.Helper()
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		w.nameServerOf(0, onlyA)
		w.serve(addressA)
		var err error
		w.at.Ports = route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20003}}
		w.at.Table, err = route.NewPortTable(w.at.Ports, nil)
		require.NoError(t, err)
		others := map[int]*virtualPlace{}
		for _, port := range taken {
			others[port], err = w.v.listen(fmt.Sprintf("127.0.0.1:%d", port))
			require.NoError(t, err)
		}
		w.start()
		require.True(t, w.at.Open())
		test(t, w, others)
		for _, other := range others {
			other.Close()
		}
	})
}

// A broker whose clients do not know its port yet gets another one when that is taken.
func TestBrokerGetsAFreePortOfTheRange(t *testing.T) {
	rangeTest(t, []int{20000, 20001}, func(t *testing.T, w *world, _ map[int]*virtualPlace) {
		require.Equal(t, "127.0.0.1:20002", w.port(idA))
		require.Zero(t, w.at.LeftOut())
		require.True(t, w.at.Offers())
	})
}

func TestBrokerThatIsLeftOutIsTriedWithEachRefresh(t *testing.T) {
	rangeTest(t, []int{20000, 20001, 20002, 20003}, func(t *testing.T, w *world, others map[int]*virtualPlace) {
		require.Equal(t, 1, w.at.LeftOut())
		require.False(t, w.at.Offers(), "a proxy that can lead nobody anywhere is not ready")
		others[20003].Close()
		time.Sleep(31 * time.Second)
		require.Equal(t, "127.0.0.1:20003", w.port(idA))
		require.Zero(t, w.at.LeftOut())
		require.True(t, w.at.Offers())
		require.Len(t, w.log.Lines("broker left out of routes"), 1)
	})
}

// A broker that was decommissioned is forgotten; its port stays its own.
func TestBrokerThatIsGoneIsForgotten(t *testing.T) {
	for name, reload := range map[string]bool{"after five minutes": false, "at once on a reload": true} {
		t.Run(name, func(t *testing.T) {
			inVirtualTime(t, 1, func(t *testing.T, w *world) {
				both := map[string]string{"broker-a": addressA, "broker-b": addressB}
				ns := w.nameServerOf(0, both)
				a := w.serve(addressA)
				w.serve(addressB)
				w.start()
				port := w.port(idA)
				a.stop()
				time.Sleep(10 * time.Minute)
				require.NotNil(t, w.dir.Snapshot().Broker(idA), "name servers list it")

				ns.answers(knowing(map[string]string{"broker-b": addressB}))
				if reload {
					time.Sleep(31 * time.Second)
					w.env.System.Root.Send(w.top, &messages.Reloaded{})
					synctest.Wait()
				} else {
					time.Sleep(4 * time.Minute)
					require.True(t, w.dir.Snapshot().Broker(idA).Away(), "somebody has looked, though no client has")
					time.Sleep(2 * time.Minute)
				}
				require.Nil(t, w.dir.Snapshot().Broker(idA))
				_, ok := w.at.PortOf(idA)
				require.False(t, ok)
				require.Nil(t, w.v.place(port), "its port is closed")
				require.Empty(t, w.env.Actors("proxy/cluster/main/broker/broker-a"))
				dials := w.v.dialed(addressA)
				time.Sleep(time.Minute)
				require.Equal(t, dials, w.v.dialed(addressA), "nobody looks for it any longer")

				a.restart()
				ns.answers(knowing(both))
				time.Sleep(31 * time.Second)
				require.Equal(t, port, w.port(idA))
			})
		})
	}
}

// A broker that name servers do not list, as after their restart, and that lives, is kept.
func TestBrokerThatLivesIsNotForgotten(t *testing.T) {
	inVirtualTime(t, 1, func(t *testing.T, w *world) {
		ns := w.nameServerOf(0, onlyA)
		w.serve(addressA)
		w.start()
		ns.answers(knowing(map[string]string{}))
		time.Sleep(time.Hour)
		w.env.System.Root.Send(w.top, &messages.Reloaded{})
		synctest.Wait()
		require.NotNil(t, w.dir.Snapshot().Broker(idA))
		require.False(t, w.refused(w.port(idA)))
	})
}
