package actors_test

import (
	"context"
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
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// lab is a whole tree in virtual time, on sockets that are pipes: one name server, one broker, as many listeners as a
// test wants, each at a host of its own.
type lab struct {
	*transport.Net
	t     *testing.T
	env   *actors.Env
	top   *actor.PID
	stats *actors.Statistics

	mu      sync.Mutex
	doors   map[string]*labDoor
	brokers chan net.Conn // the broker's ends, as they are dialled
	gaveUp  []error
	log     strings.Builder
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
		l := &lab{t: t, doors: map[string]*labDoor{}, brokers: make(chan net.Conn, 100)}
		l.Net = &transport.Net{Dialer: l.dial}
		log := slog.New(slog.NewTextHandler(labLog{l}, &slog.HandlerOptions{Level: slog.LevelInfo}))
		l.env = actors.NewEnv(l, log, settings, func(why error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.gaveUp = append(l.gaveUp, why)
		})
		l.stats = actors.NewStatistics("main")
		d := actors.NewDirectory("main", []string{labNameServer}, time.Hour)
		tree := &actors.Tree{Statistics: l.stats, Directories: []*actors.Directory{d}}
		for i, name := range append([]string{"a"}, listeners...) {
			ports := route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20009}}
			table, err := route.NewPortTable(ports, nil)
			require.NoError(t, err)
			tree.Listeners = append(tree.Listeners, &actors.Listener{Name: name, Address: "10.0.0." + string(rune('1'+i)) + ":9876",
				StatPrefix: "main", Ports: ports, Directory: d, Table: table})
		}
		var err error
		l.top, err = l.env.Start(tree)
		require.NoError(t, err)
		synctest.Wait()
		test(t, l)
		ended := time.Now()
		l.env.Stop(l.top)
		require.Less(t, time.Since(ended), time.Second, "the end waits for somebody who does not answer")
		l.mu.Lock()
		close(l.brokers)
		l.mu.Unlock()
		for nc := range l.brokers {
			nc.Close()
		}
		time.Sleep(time.Minute) // timers of the library end by themselves
	})
}

type labLog struct{ l *lab }

func (w labLog) Write(b []byte) (int, error) {
	w.l.mu.Lock()
	defer w.l.mu.Unlock()
	return w.l.log.Write(b)
}

// logged returns the log lines that contain a text.
func (l *lab) logged(text string) (lines []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range strings.Split(l.log.String(), "\n") {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

func (l *lab) reasons() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gaveUp
}

// labDoor is a listening socket.
type labDoor struct {
	l        *lab
	address  netip.AddrPort
	mu       sync.Mutex
	sink     transport.Sink
	refusing bool
}

func (l *lab) Listen(address string) (transport.Listener, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.doors[address] != nil {
		return nil, syscall.EADDRINUSE
	}
	d := &labDoor{l: l, address: netip.MustParseAddrPort(address)}
	l.doors[address] = d
	return d, nil
}

func (d *labDoor) Addr() netip.AddrPort { return d.address }

func (d *labDoor) Accept(sink transport.Sink) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sink = sink
}

func (d *labDoor) Refuse(on bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refusing = on
	return nil
}

func (d *labDoor) Close() {
	d.l.mu.Lock()
	defer d.l.mu.Unlock()
	delete(d.l.doors, d.address.String())
}

// labConn has the addresses of a socket.
type labConn struct {
	net.Conn
	local, remote netip.AddrPort
}

func (c labConn) LocalAddr() net.Addr  { return net.TCPAddrFromAddrPort(c.local) }
func (c labConn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// dial is the proxy's dialling.
func (l *lab) dial(_ context.Context, _, address string) (net.Conn, error) {
	near, far := net.Pipe()
	switch address {
	case labNameServer:
		go serveNames(far)
	case labBroker:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.brokers <- far
	default:
		return nil, syscall.ECONNREFUSED
	}
	at := netip.MustParseAddrPort(address)
	return labConn{near, at, at}, nil
}

// serveNames is a name server that knows one broker.
func serveNames(nc net.Conn) {
	for {
		c, _, err := codec.ReadCommand(nc, codec.Limits{})
		if err != nil {
			nc.Close()
			return
		}
		answer := c.Answer(0, "")
		answer.Body = []byte(`{"brokerAddrTable":{"broker-a":{"brokerAddrs":{0:"` + labBroker + `"},"brokerName":"broker-a","cluster":"c"}},"clusterAddrTable":{"c":["broker-a"]}}`)
		nc.Write(answer.Append(nil, codec.JSON))
	}
}

// knock connects from an address, even to a door that refuses, as one does who was in the queue already.
func (l *lab) knock(door, from string) (*labClient, error) {
	l.mu.Lock()
	d := l.doors[door]
	l.mu.Unlock()
	if d == nil {
		return nil, syscall.ECONNREFUSED
	}
	near, far := net.Pipe()
	d.mu.Lock()
	sink := d.sink
	d.mu.Unlock()
	sink.Deliver(&transport.Accepted{Conn: l.Wrap(labConn{far, d.address, netip.MustParseAddrPort(from)})})
	c := &labClient{Conn: near}
	synctest.Wait()
	return c, nil
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
	l.mu.Lock()
	d := l.doors[door]
	l.mu.Unlock()
	if d == nil {
		return true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.refusing
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

func refusedMetric(listener, reason string) string {
	return `rocketmq_proxy_refused_total{listener="` + listener + `",reason="` + reason + `"}`
}

// fault makes an actor panic some times.
func (l *lab) fault(id string, times int) {
	l.t.Helper()
	require.Contains(l.t, l.env.Actors(id), id)
	for range times {
		l.env.System.Root.Send(l.env.System.NewLocalPID(id), &messages.Fault{Reason: "injected"})
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
