package server

import (
	"fmt"
	"regexp"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// stored is a broker's success.
func stored(q *codec.Command) []byte { return success(q).Append(nil, codec.JSON) }

func success(q *codec.Command) *codec.Command {
	a := q.Answer(codec.ResSuccess, "")
	a.Ext = map[string]string{"msgId": "7F00000100002A9F0000000000000000", "queueId": "0", "queueOffset": "0"}
	return a
}

// stage is a proxy before a name server and a broker that may do anything ("liar"), and a broker that is honest
// ("broker-a"), which a well-behaved client uses all the time.
type stage struct {
	*fixture
	liar, names *proxytest.FakeBroker
	honest      string
	strange     atomic.Int64 // requests that reached the name server and are not the directory's
	neighbor    *neighbor
	goroutines  int
	heap        int64
}

// newStage starts everything; keys are more of the configuration, before its tables. others are name servers after the
// first.
func newStage(t *testing.T, keys string, others ...*proxytest.FakeBroker) *stage {
	t.Helper()
	s := &stage{honest: rocketMQ(t, embedded.Options{}).Broker("broker-a").Addr()}
	s.liar, s.names = proxytest.NewFakeBroker(t), proxytest.NewFakeBroker(t)
	s.liar.Plays(proxytest.Answering(stored))
	s.names.Plays(proxytest.Answering(s.nameServer))
	servers := []string{s.names.Address}
	for _, p := range others {
		p.Plays(proxytest.Answering(s.nameServer))
		servers = append(servers, p.Address)
	}
	s.fixture = serveFile(t, keys+clusterTable("main", servers...)+"refresh = '1s'\n"+listenerTable("office", "127.0.0.1:0", ""))
	s.neighbor = newNeighbor(dial(t, s.place("broker-a")))
	t.Cleanup(s.neighbor.stop)
	s.served()
	s.metric("process_num_threads")                                                    // the admin connection stays
	s.goroutines, s.heap = runtime.NumGoroutine()+2*len(others), proxytest.HeapInUse() // they may get a connection, with a reader on both sides
	return s
}

// nameServer answers as an honest one.
func (s *stage) nameServer(q *codec.Command) []byte { return s.named(q).Append(nil, codec.JSON) }

func (s *stage) named(q *codec.Command) *codec.Command {
	a := q.Answer(codec.ResSuccess, "")
	a.Body = []byte(s.table(q.Code))
	if len(a.Body) == 0 {
		s.strange.Add(1)
		a.Code = codec.ResSystemError
	}
	return a
}

func (s *stage) table(code int32) string {
	broker := func(name, addr string) string {
		return fmt.Sprintf(`{"brokerAddrs":{"0":"%s"},"brokerName":"%s","cluster":"DefaultCluster"}`, addr, name)
	}
	a, b := broker("broker-a", s.honest), broker("liar", s.liar.Address)
	switch code {
	case codec.ReqGetBrokerClusterInfo:
		return `{"brokerAddrTable":{"broker-a":` + a + `,"liar":` + b + `},"clusterAddrTable":{"DefaultCluster":["broker-a","liar"]}}`
	case codec.ReqGetRouteInfoByTopic:
		queues := `{"brokerName":"%s","perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}`
		return `{"brokerDatas":[` + a + `,` + b + `],"filterServerTable":{},"queueDatas":[` +
			fmt.Sprintf(queues, "broker-a") + `,` + fmt.Sprintf(queues, "liar") + `]}`
	}
	return ""
}

// place is the address that stands for a broker.
func (s *stage) place(broker string) string {
	s.t.Helper()
	c := dial(s.t, s.Addr("office"))
	defer c.Conn.Close()
	return c.brokers("News")[broker]
}

func (s *stage) metric(name string) int {
	s.t.Helper()
	_, text := s.request("GET", "/metrics", fixtureToken)
	return int(metricOf(text, name))
}

func (s *stage) stat(name string) int { return s.metric("rocketmq_" + name + `{stat_prefix="main"}`) }

// served wants the neighbor's sends to go on and routes to be answered.
func (s *stage) served() {
	s.t.Helper()
	n := s.neighbor.sent.Load()
	s.await(func() bool { return s.neighbor.sent.Load() >= n+2 || s.neighbor.failure() != nil }, "the neighbor sends")
	require.NoError(s.t, s.neighbor.failure())
	require.NotEmpty(s.t, s.place("broker-a"))
}

// tick has the time-outs of all clients looked at now, which else happens each 5 s.
func (s *stage) tick() {
	s.proxy.Tell("proxy/listener/office/connections", &messages.Tick{})
}

// told gives the books of the loops time to pass on what they have, which they do each 50 ms (actors/stats/recorder.go): what
// must not have been counted could else be on its way.
func (s *stage) told() { time.Sleep(100 * time.Millisecond) }

// errors wants exactly so many decoding errors of clients and of brokers.
func (s *stage) errors(requests, responses int) {
	s.t.Helper()
	if requests+responses == 0 {
		s.told()
	}
	s.await(func() bool {
		return s.stat("request_decoding_error") >= requests && s.stat("response_decoding_error") >= responses
	}, fmt.Sprintf("%d and %d decoding errors", requests, responses))
	require.Equal(s.t, []int{requests, responses}, []int{s.stat("request_decoding_error"), s.stat("response_decoding_error")})
}

var restarts = regexp.MustCompile(`(?m)^rocketmq_proxy_actor_restarts_total\{actor="(\w+)"\} ([1-9]\d*)$`)

// unharmed wants the neighbor served, nothing panicked, and everything given back.
func (s *stage) unharmed() {
	s.t.Helper()
	s.served()
	s.neighbor.stop()
	s.await(func() bool { return s.connections() == 0 }, "all clients are gone")
	s.await(func() bool { return len(s.proxy.Live("proxy/listener/office/connections/")) == 0 }, "so are their actors")
	s.told()
	_, text := s.request("GET", "/metrics", fixtureToken)
	require.Empty(s.t, restarts.FindAllString(text, -1), "actors panicked; log:\n%s", s.log)
	for _, gauge := range []string{"request_active", "total_pending"} {
		s.await(func() bool { return s.stat(gauge) == 0 }, gauge+" is 0")
	}
	// A loop does not tell of less than 256 KiB (transport/budget.go).
	s.await(func() bool { return s.metric("rocketmq_proxy_buffered_bytes") <= runtime.GOMAXPROCS(0)*256<<10 }, "no chunk is kept")
	s.await(func() bool { return runtime.NumGoroutine() <= s.goroutines }, "goroutines of "+strconv.Itoa(s.goroutines))
	var now int64
	require.Eventually(s.t, func() bool { now = proxytest.HeapInUse(); return now-s.heap < 8<<20 }, patience, 50*time.Millisecond,
		"the heap has grown from %d", s.heap)
}

// neighbor asks one thing after another and wants the right answer each time.
type neighbor struct {
	sent    atomic.Int64
	err     atomic.Pointer[error]
	stopped atomic.Bool
	done    chan struct{}
}

// newNeighbor has one that sends messages.
func newNeighbor(c *client) *neighbor {
	return newNeighborThat(c, func(c *client) (*codec.Command, error) {
		return c.Try(&codec.Command{Code: codec.ReqSendMessageV2, Ext: sendExt, Body: []byte("hello")})
	})
}

func newNeighborThat(c *client, asks func(c *client) (*codec.Command, error)) *neighbor {
	n := &neighbor{done: make(chan struct{})}
	go func() {
		defer close(n.done)
		defer c.Conn.Close()
		for !n.stopped.Load() {
			a, err := asks(c)
			switch {
			case err != nil:
			case a.Code != codec.ResSuccess:
				err = fmt.Errorf("code %d: %s", a.Code, a.Remark)
			}
			if err != nil {
				err = fmt.Errorf("request %d: %w", n.sent.Load(), err)
				n.err.Store(&err)
				return
			}
			n.sent.Add(1)
			time.Sleep(time.Millisecond) // leaves the machine to the test
		}
	}()
	return n
}

func (n *neighbor) failure() error {
	if err := n.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (n *neighbor) stop() {
	n.stopped.Store(true)
	<-n.done
}
