package listener

import (
	"context"
	"io"
	"log/slog"
	"net"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/connection"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// leaving are clients of one connections actor, in virtual time.
type leaving struct {
	t       *testing.T
	env     *env.Env
	pid     *actor.PID
	sockets *transport.Net
	broker  net.Conn // the far end of the last upstream
	cluster *actor.PID
}

// leavingTest runs a test in a bubble, with an upstream that reads and never answers.
func leavingTest(t *testing.T, test func(l *leaving)) {
	synctest.Test(t, func(t *testing.T) {
		l := &leaving{t: t, sockets: &transport.Net{}}
		l.sockets.Dialer = dialPipe(func(far net.Conn) {
			l.broker = far
			go io.Copy(io.Discard, far)
		})
		l.env = env.New(l.sockets, slog.New(slog.DiscardHandler), env.Settings{IdleTimeout: time.Hour, FirstByteTimeout: time.Hour}, func(why error) { t.Error(why) })
		counter := l.env.System.Root.Spawn(l.env.Props(func() actor.Actor { return stats.New(l.env.Runtime, l.env.Recorders, stats.NewRegistry("main")) }, nil, nil))
		var err error
		l.pid, err = l.env.System.Root.SpawnNamed(l.env.Props(func() actor.Actor { return &connections{env: l.env} }, nil, nil), "connections")
		require.NoError(t, err)
		listener := l.env.System.Root.Spawn(actor.PropsFromFunc(func(actor.Context) {})) // and directory
		l.env.System.Root.Send(l.pid, &neighbors{listener: listener})
		l.cluster = listener
		test(l)
		require.NoError(t, l.env.System.Root.PoisonFuture(l.pid).Wait())
		require.NoError(t, l.env.System.Root.PoisonFuture(listener).Wait())
		require.Empty(t, l.env.Failures.Recent())
		require.NoError(t, l.env.System.Root.PoisonFuture(counter).Wait())
		l.env.Shutdown()
		time.Sleep(time.Minute) // timers of the library end by themselves
		if l.broker != nil {
			l.broker.Close()
		}
	})
}

// client connects one; its end is told by the channel, with the time since now.
func (l *leaving) client() (nc net.Conn, ended <-chan time.Duration) {
	near, far := net.Pipe()
	l.accept(far)
	end := make(chan time.Duration, 1)
	begun := time.Now()
	go func() {
		io.Copy(io.Discard, near)
		end <- time.Since(begun)
	}()
	synctest.Wait()
	return near, end
}

// accept gives a client's connection an actor.
func (l *leaving) accept(far net.Conn) {
	id := route.BrokerID{Name: "broker-a"}
	port := &messages.Port{
		Listener: "main", StatPrefix: "main", Role: messages.BrokerPort, Broker: id, Cluster: "main",
		Actors: func(string) *actor.PID { return l.cluster },
		To:     cluster.NewBroker("main", route.Broker{BrokerID: id, Address: "broker:1"}, l.sockets),
	}
	l.env.System.Root.Send(l.pid, &messages.Accepted{Port: port, Conn: l.sockets.Wrap(far)})
	synctest.Wait()
}

func (l *leaving) drain(over time.Duration) {
	l.env.System.Root.Send(l.pid, &messages.Drain{Over: over})
}

// Quiet clients go one after another, a tenth of a second apart.
func TestDrainLetsClientsGoOneAfterAnother(t *testing.T) {
	leavingTest(t, func(l *leaving) {
		var ends []<-chan time.Duration
		for range 10 {
			_, end := l.client()
			ends = append(ends, end)
		}
		time.Sleep(time.Minute)
		l.drain(30 * time.Second)
		seen := map[time.Duration]int{}
		for _, end := range ends {
			seen[<-end-time.Minute]++
		}
		for i := range 10 {
			require.Equal(t, 1, seen[time.Duration(i)*longestPause], "clients that ended in batch %d", i)
		}
	})
}

// Many clients take no longer than half of the time, and are spread over it.
func TestDrainOfManyClientsFitsIntoItsTime(t *testing.T) {
	leavingTest(t, func(l *leaving) {
		var ends []<-chan time.Duration
		for range 300 {
			_, end := l.client()
			ends = append(ends, end)
		}
		time.Sleep(time.Minute)
		l.drain(2 * time.Second)
		atOnce := map[time.Duration]int{}
		for _, end := range ends {
			at := <-end - time.Minute
			require.LessOrEqual(t, at, time.Second)
			atOnce[at]++
		}
		for at, n := range atOnce {
			require.LessOrEqual(t, n, 2, "clients that ended at %s", at)
		}
	})
}

// A client that is never quiet is cut off in the last round only; one that has said something a moment ago is given
// the time for its next request.
func TestDrainLeavesBusyClientsForTheEnd(t *testing.T) {
	oneway := (&codec.Command{Code: codec.ReqSendMessage, Flag: codec.FlagOneway, Version: codec.Version4_9_4}).Append(nil, codec.JSON)
	leavingTest(t, func(l *leaving) {
		busy, busyEnd := l.client()
		recent, recentEnd := l.client()
		stop := make(chan struct{})
		go func() {
			for {
				select {
				case <-stop:
					return
				case <-time.After(300 * time.Millisecond):
					busy.Write(oneway)
				}
			}
		}()
		time.Sleep(time.Minute)
		recent.Write(oneway)
		l.drain(30 * time.Second)
		require.Equal(t, connection.QuietBeforeEnd, <-recentEnd-time.Minute)
		require.Equal(t, 24*time.Second, <-busyEnd-time.Minute, "8 tenths of the time")
		close(stop)
	})
}

// A request in flight keeps its connection in both rounds: only the server cuts that off.
func TestDrainWaitsForAnAnswer(t *testing.T) {
	asks := (&codec.Command{Code: codec.ReqSendMessage, Version: codec.Version4_9_4, Opaque: 7}).Append(nil, codec.JSON)
	leavingTest(t, func(l *leaving) {
		c, end := l.client()
		c.Write(asks)
		time.Sleep(time.Minute)
		l.drain(30 * time.Second)
		time.Sleep(time.Minute)
		require.Empty(t, end)
		synctest.Wait()
		l.broker.Write((&codec.Command{Code: codec.ResSuccess, Flag: codec.FlagResponse, Opaque: 7}).Append(nil, codec.JSON))
		require.Equal(t, 2*time.Minute, <-end, "at once: the last round is over")
	})
}

// Polls that the broker holds do not make a drain last: when nothing else is in flight the upstream is closed, then each
// is answered that it comes again, a pull with its own offset, and then the client's connection is closed in good order.
func TestDrainAnswersHeldPolls(t *testing.T) {
	leavingTest(t, func(l *leaving) {
		var frames []byte
		for i, code := range []int32{codec.ReqPullMessage, codec.ReqLitePullMessage, codec.ReqPopMessage, codec.ReqNotification} {
			ask := &codec.Command{Code: code, Version: codec.Version4_9_4, Opaque: int32(i), Ext: map[string]string{"queueOffset": strconv.Itoa(1000 + i)}}
			frames = ask.Append(frames, codec.JSON)
		}
		near, far := net.Pipe()
		l.accept(far)
		begun := time.Now()
		near.Write(frames)
		time.Sleep(time.Minute)
		synctest.Wait()
		upstream := l.broker
		l.drain(30 * time.Second)
		got := map[int32]*codec.Command{}
		for {
			c, _, err := codec.ReadCommand(near, codec.Limits{})
			if err != nil {
				require.ErrorIs(t, err, io.EOF)
				break
			}
			_, err = upstream.Write([]byte{0})
			require.ErrorIs(t, err, io.ErrClosedPipe, "the broker can give it nothing any more")
			got[c.Opaque] = c
		}
		require.Equal(t, time.Minute, time.Since(begun), "as quick as without polls")
		require.Len(t, got, 4)
		for i := range int32(2) {
			require.Equal(t, codec.ResPullNotFound, got[i].Code)
			require.Equal(t, strconv.Itoa(1000+int(i)), got[i].Ext["nextBeginOffset"])
		}
		require.Equal(t, codec.ResPollingTimeout, got[2].Code)
		require.Equal(t, "false", got[3].Ext["hasMsg"])
	})
}

// While a send is in flight beside polls all of them wait.
func TestDrainWaitsForASendBesidePolls(t *testing.T) {
	leavingTest(t, func(l *leaving) {
		c, end := l.client()
		pull := &codec.Command{Code: codec.ReqPullMessage, Version: codec.Version4_9_4, Opaque: 6, Ext: map[string]string{"queueOffset": "1"}}
		c.Write((&codec.Command{Code: codec.ReqSendMessage, Version: codec.Version4_9_4, Opaque: 7}).Append(pull.Append(nil, codec.JSON), codec.JSON))
		time.Sleep(time.Minute)
		l.drain(30 * time.Second)
		time.Sleep(20 * time.Second)
		require.Empty(t, end)
		l.broker.Write((&codec.Command{Code: codec.ResSuccess, Flag: codec.FlagResponse, Opaque: 7}).Append(nil, codec.JSON))
		require.Equal(t, time.Minute+21*time.Second, <-end)
	})
}

// dialPipe is a dialer of a transport.Net whose connections end at far.
func dialPipe(accept func(far net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		accept(far)
		return near, nil
	}
}
