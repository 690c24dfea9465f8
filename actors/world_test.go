package actors_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
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
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// world is a proxy with fake name servers and brokers around it, in virtual time.
type world struct {
	t       *testing.T
	v       *virtual
	env     *actors.Env
	top     *actor.PID
	dir     *actors.Cluster
	at      *actors.Listener
	log     *proxytest.Log
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
		w := &world{t: t, v: newVirtual(), log: &proxytest.Log{}}
		w.env = actors.NewEnv(w.v, slog.New(slog.NewTextHandler(w.log, nil)), actors.Settings{}, func(err error) { t.Error("giving up:", err) })
		w.env.InjectFaults()
		var addresses []string
		for i := range nameServers {
			addresses = append(addresses, nameServer(i))
		}
		w.dir = actors.NewCluster("main", addresses, 0)
		options := route.PortOptions{VIP: true}
		table, err := route.NewPortTable(options, nil)
		require.NoError(t, err)
		w.at = &actors.Listener{Name: "it", Address: "127.0.0.1:9876", StatPrefix: "main", Advertise: "127.0.0.1", Ports: options, Cluster: w.dir, Table: table}
		defer w.end()
		test(t, w)
	})
}

func nameServer(i int) string { return fmt.Sprintf("10.0.1.%d:9876", i+1) }

// start starts the proxy.
func (w *world) start() {
	var err error
	w.top, err = w.env.Start(&actors.Tree{Stats: actors.NewStatistics("main"), Clusters: []*actors.Cluster{w.dir}, Listeners: []*actors.Listener{w.at}})
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
	require.Empty(w.t, w.log.Lines("BUG"))
}

// serve starts a server that answers everything with success until told otherwise.
func (w *world) serve(address string) *server {
	s := &server{w: w, address: address, answer: func(c *codec.Command) *codec.Command { return c.Answer(codec.ResSuccess, "") }}
	w.servers = append(w.servers, s)
	s.restart()
	return s
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
	p, ok := w.at.PortOf(id)
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
