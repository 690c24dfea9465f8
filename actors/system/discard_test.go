package system

import (
	"io"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// newcomer is a client that has just connected, and the socket that the proxy has of it.
func newcomer(t *testing.T) (client net.Conn, accepted *messages.Accepted) {
	near, far := net.Pipe()
	t.Cleanup(func() { near.Close() })
	return near, &messages.Accepted{Conn: (&transport.Net{}).Wrap(far)}
}

func requireClosed(t *testing.T, client net.Conn) {
	t.Helper()
	client.SetReadDeadline(time.Now().Add(time.Second))
	_, err := client.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

// An actor that has been told to stop and waits for its children begins nothing new, and does not come back to life.
// What it would have got is closed.
func TestStoppingMailboxGivesBack(t *testing.T) {
	d := &later{}
	m, i, _ := newTestMailbox(d, func(msg any) { require.Fail(t, "a message for an actor that stops", "%v", msg) })
	m.PostSystemMessage(&actor.SuspendMailbox{})
	waiting, accepted := newcomer(t)
	m.PostUserMessage(accepted)
	m.PostSystemMessage(&actor.Stop{})
	m.PostSystemMessage(&actor.Restart{})
	d.run()
	requireClosed(t, waiting)
	require.Equal(t, []any{&actor.Stop{}}, i.system)

	late, accepted := newcomer(t)
	m.PostUserMessage(accepted)
	d.run()
	requireClosed(t, late)
	m.PostSystemMessage(&actor.Terminated{})
	d.run()
	require.Len(t, i.system, 2, "the end of a child is still news")
}

// An inline actor that has nothing to do gets its messages past the queue, but not when it has stopped.
func TestStoppedInlineMailboxGivesBack(t *testing.T) {
	m, _, _ := newTestMailbox(Inline, func(msg any) { require.Fail(t, "a message for an actor that stops", "%v", msg) })
	m.PostSystemMessage(&actor.Stop{})
	client, accepted := newcomer(t)
	m.PostUserMessage(accepted)
	requireClosed(t, client)
}

// So is what comes for an actor that is gone, to its name or to its mailbox.
func TestDeadLetterIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := NewRuntime(slog.New(slog.DiscardHandler), func(why error) { t.Error(why) })
		gone := e.System.NewLocalPID("proxy/listener/gone/connections")
		s := NewSink(e.System, gone)
		for _, send := range []func(any){func(msg any) { e.System.Root.Send(gone, msg) }, s.Deliver, s.DeliverInline} {
			client, accepted := newcomer(t)
			send(accepted)
			requireClosed(t, client)
		}
		e.Shutdown()
		time.Sleep(time.Minute) // timers of the library end by themselves
	})
}
