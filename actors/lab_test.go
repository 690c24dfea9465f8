package actors_test

import (
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// lab is a whole tree in virtual time, on sockets that are pipes: one name server, one broker, as many listeners as a
// test wants, each at a host of its own.
type lab struct {
	t       *testing.T
	v       *virtual
	env     *actors.Env
	top     *actor.PID
	stats   *actors.Statistics
	log     *proxytest.Log
	brokers chan net.Conn // the broker's ends, as they are dialled

	mu     sync.Mutex
	gaveUp []error
}

const (
	labNameServer = "192.0.2.1:9876"
	labBroker     = "192.0.2.2:10911"
)

// inLab runs a test in a lab. Listener "a" is at 10.0.0.1, "b" at 10.0.0.2; name-server ports are 9876, the broker's
// port is 20000.
func inLab(t *testing.T, settings actors.Settings, test func(t *testing.T, l *lab), listeners ...string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := &lab{t: t, v: newVirtual(), log: &proxytest.Log{}, brokers: make(chan net.Conn, 100)}
		require.NoError(t, l.v.serve(labNameServer, func(nc net.Conn) { go serveConn(nc, proxytest.Knows(labBroker)) }))
		require.NoError(t, l.v.serve(labBroker, func(nc net.Conn) { l.brokers <- nc }))
		l.env = actors.NewEnv(l.v, slog.New(slog.NewTextHandler(l.log, nil)), settings, func(why error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.gaveUp = append(l.gaveUp, why)
		})
		l.env.InjectFaults()
		l.stats = actors.NewStatistics("main")
		d := actors.NewCluster("main", []string{labNameServer}, time.Hour)
		tree := &actors.Tree{Stats: l.stats, Clusters: []*actors.Cluster{d}}
		for i, name := range append([]string{"a"}, listeners...) {
			ports := route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20009}}
			table, err := route.NewPortTable(ports, nil)
			require.NoError(t, err)
			tree.Listeners = append(tree.Listeners, &actors.Listener{Name: name, Address: "10.0.0." + string(rune('1'+i)) + ":9876",
				StatPrefix: "main", Ports: ports, Cluster: d, Table: table})
		}
		var err error
		l.top, err = l.env.Start(tree)
		require.NoError(t, err)
		synctest.Wait()
		test(t, l)
		ended := time.Now()
		l.env.Stop(l.top)
		require.Less(t, time.Since(ended), time.Second, "the end waits for somebody who does not answer")
		l.v.close()
		synctest.Wait()
		close(l.brokers)
		for nc := range l.brokers {
			nc.Close()
		}
		time.Sleep(time.Minute) // timers of the library end by themselves
	})
}

// logged returns the log lines that contain a text.
func (l *lab) logged(text string) []string { return l.log.Lines(text) }

func (l *lab) reasons() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gaveUp
}

// knock connects from an address, even to a door that refuses, as one does who was in the queue already.
func (l *lab) knock(door, from string) (*labClient, error) {
	p := l.v.place(door)
	if p == nil {
		return nil, syscall.ECONNREFUSED
	}
	nc, err := p.connect(netip.MustParseAddrPort(from))
	synctest.Wait()
	return &labClient{Conn: nc}, err
}

// join is a client that must get in.
func (l *lab) join(door string) *labClient {
	l.t.Helper()
	require.False(l.t, l.refuses(door), "%s refuses", door)
	c, err := l.knock(door, "198.51.100.7:1234")
	require.NoError(l.t, err)
	return c
}

// refuses reports that a door does not let anybody in.
func (l *lab) refuses(door string) bool {
	p := l.v.place(door)
	return p == nil || p.refuses()
}

// broker is the broker's end of the next connection to it.
func (l *lab) broker() *labClient { return &labClient{Conn: <-l.brokers} }

// labClient is one end of a pipe.
type labClient struct{ net.Conn }

// open reports that the other end has not been closed. What it sends meanwhile is lost.
func (c *labClient) open() bool {
	c.SetReadDeadline(time.Now())
	_, err := c.Read(make([]byte, 1))
	c.SetReadDeadline(time.Time{})
	return !errors.Is(err, io.EOF)
}

// sends writes commands in one go.
func (c *labClient) sends(commands ...*codec.Command) {
	var b []byte
	for _, cmd := range commands {
		b = cmd.Append(b, codec.JSON)
	}
	go c.Write(b)
	synctest.Wait()
}

// gets reads what has come: the opaques of whole commands.
func (c *labClient) gets() (opaques []int32) {
	for {
		c.SetReadDeadline(time.Now().Add(time.Millisecond))
		cmd, _, err := codec.ReadCommand(c, codec.Limits{})
		if err != nil {
			c.SetReadDeadline(time.Time{})
			return opaques
		}
		opaques = append(opaques, cmd.Opaque)
	}
}

func pullOf(opaque int32) *codec.Command {
	return &codec.Command{Code: codec.ReqPullMessage, Opaque: opaque}
}

func answerTo(opaque int32) *codec.Command { return pullOf(opaque).Answer(0, "") }

// metric is the value of a metric, as /metrics prints it.
func (l *lab) metric(name string) string {
	var text strings.Builder
	l.stats.WriteMetrics(&text)
	for _, line := range strings.Split(text.String(), "\n") {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return value
		}
	}
	return ""
}

func rejectedMetric(listener, reason string) string {
	return `rocketmq_proxy_refused_total{listener="` + listener + `",reason="` + reason + `"}`
}

// fault makes an actor panic some times.
func (l *lab) fault(id string, times int) {
	l.t.Helper()
	require.Contains(l.t, l.env.Actors(id), id)
	for range times {
		l.env.Fault(id, "injected")
		synctest.Wait()
	}
}

// one is the id of the only actor of a kind.
func (l *lab) one(prefix, kind string) (id string) {
	l.t.Helper()
	for _, each := range l.env.Actors(prefix) {
		if actors.Kind(each) == kind {
			require.Empty(l.t, id, "more than one %s", kind)
			id = each
		}
	}
	require.NotEmpty(l.t, id, "no %s below %s", kind, prefix)
	return id
}

func (l *lab) drain() {
	l.env.System.Root.Send(l.top, &messages.Drain{})
	synctest.Wait()
}
