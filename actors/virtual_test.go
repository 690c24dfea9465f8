package actors_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
)

// virtual is a network in memory, for tests in virtual time. Its addresses are host:port as everywhere; where nobody
// listens, connections are refused.
type virtual struct {
	*transport.Net

	mu     sync.Mutex
	places map[string]*virtualPlace
	fails  map[string]error // dials to an address fail so; a nil error makes them hang
	dials  map[string]int
	last   uint16 // port that was given for 0
}

func newVirtual() *virtual {
	v := &virtual{places: map[string]*virtualPlace{}, fails: map[string]error{}, dials: map[string]int{}, last: 40000}
	v.Net = &transport.Net{Dialer: v.dial}
	return v
}

// virtualPlace is one listening socket.
type virtualPlace struct {
	v       *virtual
	address netip.AddrPort
	come    chan net.Conn
	closed  chan struct{}
	once    sync.Once
	mu      sync.Mutex
	sink    transport.Sink

	refusing bool // under the network's lock
}

// Listen opens a listening socket; port 0 is any.
func (v *virtual) Listen(address string) (transport.Listener, error) { return v.listen(address) }

func (v *virtual) listen(address string) (*virtualPlace, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := netip.MustParseAddrPort(address)
	if a.Port() == 0 {
		v.last += 10
		a = netip.AddrPortFrom(a.Addr(), v.last)
	}
	if v.places[a.String()] != nil {
		return nil, fmt.Errorf("listen %s: %w", a, syscall.EADDRINUSE)
	}
	p := &virtualPlace{v: v, address: a, come: make(chan net.Conn), closed: make(chan struct{})}
	v.places[a.String()] = p
	return p, nil
}

func (v *virtual) dial(ctx context.Context, _, address string) (net.Conn, error) {
	v.mu.Lock()
	v.dials[address]++
	p := v.places[address]
	err, fails := v.fails[address]
	refusing := p != nil && p.refusing
	v.mu.Unlock()
	switch {
	case fails && err == nil:
		<-ctx.Done()
		return nil, fmt.Errorf("dial %s: %w", address, os.ErrDeadlineExceeded)
	case fails:
		return nil, fmt.Errorf("dial %s: %w", address, err)
	case p == nil || refusing:
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	}
	near, far := net.Pipe()
	select {
	case p.come <- far:
		return near, nil
	case <-p.closed:
		return nil, fmt.Errorf("dial %s: %w", address, syscall.ECONNREFUSED)
	}
}

// dialled counts the dials to an address.
func (v *virtual) dialled(address string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.dials[address]
}

// fail makes dials to an address fail from now on; nil: hang.
func (v *virtual) fail(address string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.fails[address] = err
}

func (p *virtualPlace) Addr() netip.AddrPort { return p.address }

func (p *virtualPlace) Accept(sink transport.Sink) {
	p.mu.Lock()
	p.sink = sink
	p.mu.Unlock()
	p.once.Do(func() {
		go p.each(func(nc net.Conn) {
			p.mu.Lock()
			sink := p.sink
			p.mu.Unlock()
			sink.Deliver(&transport.Accepted{Conn: p.v.Wrap(nc)})
		})
	})
}

// Refuse is part of transport.Listener: the port stays taken.
func (p *virtualPlace) Refuse(on bool) error {
	p.v.mu.Lock()
	defer p.v.mu.Unlock()
	p.refusing = on
	return nil
}

func (p *virtualPlace) each(f func(net.Conn)) {
	for {
		select {
		case nc := <-p.come:
			f(nc)
		case <-p.closed:
			return
		}
	}
}

func (p *virtualPlace) Close() {
	p.v.mu.Lock()
	defer p.v.mu.Unlock()
	if p.v.places[p.address.String()] == p {
		delete(p.v.places, p.address.String())
		close(p.closed)
	}
}

// server is a fake broker or name server. answer is asked about each request; nil means no answer.
type server struct {
	w       *world
	address string
	place   *virtualPlace
	open    atomic.Int32 // connections

	mu     sync.Mutex
	admit  func(nc net.Conn) net.Conn // takes off what comes before the first frame; nil: nothing does
	answer func(c *codec.Command) *codec.Command
	got    []*codec.Command
	conns  []net.Conn
}

// world is a proxy with fake name servers and brokers around it, in virtual time.
type world struct {
	t       *testing.T
	v       *virtual
	env     *actors.Env
	top     *actor.PID
	dir     *actors.Directory
	at      *actors.Listener
	log     *logLines
	servers []*server
}

const (
	addressA = "10.0.0.5:10911"
	addressB = "10.0.0.6:10911"
)

var idA, idB = route.BrokerID{Name: "broker-a"}, route.BrokerID{Name: "broker-b"}

// inVirtualTime runs a test with a proxy that asks name servers "10.0.1.1:9876", "10.0.1.2:9876" and so on, which the
// test starts. Clients reach it at 127.0.0.1:9876.
func inVirtualTime(t *testing.T, nameServers int, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, v: newVirtual(), log: &logLines{}}
		w.env = actors.NewEnv(w.v, slog.New(slog.NewTextHandler(w.log, nil)), actors.Settings{}, func(err error) { t.Error("giving up:", err) })
		var addresses []string
		for i := range nameServers {
			addresses = append(addresses, nameServer(i))
		}
		w.dir = actors.NewDirectory("main", addresses, 0)
		options := route.PortOptions{VIP: true}
		table, err := route.NewPortTable(options, nil)
		require.NoError(t, err)
		w.at = &actors.Listener{Name: "it", Address: "127.0.0.1:9876", StatPrefix: "main", Advertise: "127.0.0.1", Ports: options, Directory: w.dir, Table: table}
		defer w.end()
		test(t, w)
	})
}

func nameServer(i int) string { return fmt.Sprintf("10.0.1.%d:9876", i+1) }

// start starts the proxy.
func (w *world) start() {
	var err error
	w.top, err = w.env.Start(&actors.Tree{Statistics: actors.NewStatistics("main"), Directories: []*actors.Directory{w.dir}, Listeners: []*actors.Listener{w.at}})
	require.NoError(w.t, err)
	synctest.Wait()
}

func (w *world) end() {
	if w.top != nil {
		require.NoError(w.t, w.env.Stop(w.top))
	}
	for _, s := range w.servers {
		s.stop()
	}
	time.Sleep(time.Minute) // dials that hang
	require.Empty(w.t, w.log.with("BUG"))
}

// serve starts a server that answers everything with success until told otherwise.
func (w *world) serve(address string) *server {
	s := &server{w: w, address: address, answer: func(c *codec.Command) *codec.Command { return c.Answer(codec.ResSuccess, "") }}
	w.servers = append(w.servers, s)
	s.restart()
	return s
}

// nameServerOf starts a name server that knows brokers by name.
func (w *world) nameServerOf(i int, brokers map[string]string) *server {
	s := w.serve(nameServer(i))
	s.answers(knowing(brokers))
	return s
}

// knowing answers as a name server with these brokers, each of which has every topic whose name begins with "topic".
func knowing(brokers map[string]string) func(c *codec.Command) *codec.Command {
	var table, datas, queues []string
	for name, address := range brokers {
		data := fmt.Sprintf(`{"brokerAddrs":{0:%q},"brokerName":%q,"cluster":"c"}`, address, name)
		table, datas = append(table, fmt.Sprintf("%q:%s", name, data)), append(datas, data)
		queues = append(queues, fmt.Sprintf(`{"brokerName":%q,"perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}`, name))
	}
	return func(c *codec.Command) *codec.Command {
		a := c.Answer(codec.ResSuccess, "")
		switch {
		case c.Code == codec.ReqGetBrokerClusterInfo:
			a.Body = fmt.Appendf(nil, `{"brokerAddrTable":{%s},"clusterAddrTable":{}}`, strings.Join(table, ","))
		case len(brokers) == 0 || !strings.HasPrefix(c.Ext["topic"], "topic"):
			return c.Answer(codec.ResTopicNotExist, "no route of "+c.Ext["topic"])
		default:
			a.Body = fmt.Appendf(nil, `{"brokerDatas":[%s],"filterServerTable":{},"queueDatas":[%s]}`, strings.Join(datas, ","), strings.Join(queues, ","))
		}
		return a
	}
}

func (s *server) answers(answer func(c *codec.Command) *codec.Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *server) admits(admit func(nc net.Conn) net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.admit = admit
}

func (s *server) restart() {
	var err error
	s.place, err = s.w.v.listen(s.address)
	require.NoError(s.w.t, err)
	go s.place.each(func(nc net.Conn) {
		s.mu.Lock()
		s.conns = append(s.conns, nc)
		admit := s.admit
		s.mu.Unlock()
		s.open.Add(1)
		go func() {
			defer s.open.Add(-1)
			if admit != nil {
				nc = admit(nc)
			}
			s.read(nc)
		}()
	})
}

func (s *server) read(nc net.Conn) {
	for {
		c, err := readCommand(nc)
		if err != nil {
			return
		}
		s.mu.Lock()
		s.got = append(s.got, c)
		handle := s.answer
		s.mu.Unlock()
		answer := handle(c)
		if answer != nil && !c.IsResponse() && !c.IsOneway() {
			nc.Write(answer.Append(nil, codec.JSON))
		}
	}
}

// stop ends the server as a crash does.
func (s *server) stop() {
	s.place.Close()
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for _, nc := range conns {
		nc.Close()
	}
	synctest.Wait()
}

// requests takes what the server has been asked so far.
func (s *server) requests() []*codec.Command {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	got := s.got
	s.got = nil
	return got
}

// guest is a client of the proxy.
type guest struct {
	t      *testing.T
	nc     net.Conn
	opaque int32
	// language of its requests; Java unless told otherwise
	language codec.Language
}

// connect connects a client to an address of the proxy.
func (w *world) connect(address string) *guest {
	w.t.Helper()
	nc, err := w.v.dial(w.t.Context(), "tcp", address)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { nc.Close() })
	return &guest{t: w.t, nc: nc}
}

// port is the address of a broker's port.
func (w *world) port(id route.BrokerID) string {
	w.t.Helper()
	p, ok := w.at.Place(id)
	require.True(w.t, ok, "place of %s", id)
	return fmt.Sprintf("127.0.0.1:%d", p.Port)
}

// refused reports whether an address of the proxy refuses connections.
func (w *world) refused(address string) bool {
	synctest.Wait()
	nc, err := w.v.dial(w.t.Context(), "tcp", address)
	if err == nil {
		nc.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func (g *guest) send(c *codec.Command) {
	g.t.Helper()
	g.opaque++
	c.Opaque, c.Version, c.Language = g.opaque, codec.Version5_5_0, g.language
	_, err := g.nc.Write(c.Append(nil, codec.JSON))
	require.NoError(g.t, err)
	synctest.Wait()
}

// next is the next frame from the proxy, which must come within a minute.
func (g *guest) next() *codec.Command {
	g.t.Helper()
	g.nc.SetReadDeadline(time.Now().Add(time.Minute))
	c, err := readCommand(g.nc)
	require.NoError(g.t, err)
	return c
}

// ask sends a request and returns the code of the answer.
func (g *guest) ask(c *codec.Command) int32 {
	g.t.Helper()
	g.send(c)
	return g.next().Code
}

// broken requires that the connection ends now, with nothing more to read.
func (g *guest) broken() {
	g.t.Helper()
	g.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	rest, err := io.ReadAll(g.nc)
	require.NoError(g.t, err, "it is still open")
	require.Empty(g.t, rest)
}

// open requires that the connection is open and has nothing to read.
func (g *guest) open() {
	g.t.Helper()
	g.nc.SetReadDeadline(time.Now().Add(time.Millisecond))
	var b [1]byte
	_, err := g.nc.Read(b[:])
	require.ErrorIs(g.t, err, os.ErrDeadlineExceeded, "something was there to read, or it was closed")
}

func readCommand(r io.Reader) (*codec.Command, error) {
	b := make([]byte, 4)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	b = append(b, make([]byte, n)...)
	if _, err := io.ReadFull(r, b[4:]); err != nil {
		return nil, err
	}
	c, _, err := codec.Decode(b, codec.Limits{})
	return c, err
}

func consumerHeartbeat() *codec.Command {
	return &codec.Command{Code: codec.ReqHeartBeat, Body: []byte(`{"clientID":"c","consumerDataSet":[{"groupName":"g"}],"producerDataSet":[]}`)}
}

func producerHeartbeat() *codec.Command {
	return &codec.Command{Code: codec.ReqHeartBeat, Body: []byte(`{"clientID":"p","consumerDataSet":[],"producerDataSet":[{"groupName":"g"}]}`)}
}

// logLines keeps what was logged.
type logLines struct {
	mu    sync.Mutex
	lines []string
}

func (l *logLines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(b))
	return len(b), nil
}

// with returns the lines that contain a text.
func (l *logLines) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// forget drops what was logged so far.
func (l *logLines) forget() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = nil
}
