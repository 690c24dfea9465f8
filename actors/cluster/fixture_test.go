package cluster_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// cluster is the id of the actor under test.
const cluster = "proxy/cluster/main"

// routes is a cluster without listeners: the test asks it for routes as connections do, and counts what it asks its two
// name servers, which know broker-a at 10.0.0.1:10911.
type routes struct {
	*proxytest.Sim
	first, second *proxytest.FakeBroker
	asked         map[*proxytest.FakeBroker][]*codec.Command
}

func routesTest(t *testing.T, test func(t *testing.T, r *routes)) {
	t.Helper()
	o := proxytest.Options{NameServers: proxytest.NameServerAddresses(2), Listeners: []string{}}
	proxytest.InVirtualTime(t, o, func(t *testing.T, s *proxytest.Sim) {
		r := &routes{Sim: s, first: s.StartNameServer(0, nil), second: s.StartNameServer(1, nil), asked: map[*proxytest.FakeBroker][]*codec.Command{}}
		r.both(proxytest.Knows("10.0.0.1:10911"))
		s.Start()
		time.Sleep(time.Second) // the first look is over
		test(t, r)
	})
}

// both replaces what both name servers do.
func (r *routes) both(answer proxytest.Answerer) {
	r.first.Answers(answer)
	r.second.Answers(answer)
}

// crash ends both name servers.
func (r *routes) crash() {
	r.first.Crash()
	r.second.Crash()
}

// count is how often a name server has been asked for a topic, or for the "cluster".
func (r *routes) count(of *proxytest.FakeBroker, what string) (n int) {
	r.asked[of] = append(r.asked[of], of.Requests()...)
	for _, c := range r.asked[of] {
		if c.Ext["topic"] == what || c.Code == codec.ReqGetBrokerClusterInfo && what == "cluster" {
			n++
		}
	}
	return n
}

// forget drops what has been counted.
func (r *routes) forget() {
	r.first.Requests()
	r.second.Requests()
	clear(r.asked)
}

// query asks; the answer comes to the future.
func (r *routes) query(q messages.RouteQuery) actor.Future {
	f := actor.NewFuture(r.Env.System, time.Hour)
	q.To = f.PID()
	r.Proxy.Tell(cluster, &q)
	return f
}

func (r *routes) begin(topic string) actor.Future { return r.query(messages.RouteQuery{Topic: topic}) }

func told(t testing.TB, f actor.Future) *messages.RouteReply {
	t.Helper()
	m, err := f.Result()
	require.NoError(t, err)
	return m.(*messages.RouteReply)
}

// ask asks for a topic and waits for the answer.
func (r *routes) ask(topic string) *messages.RouteReply {
	r.T.Helper()
	return told(r.T, r.begin(topic))
}

// look has the cluster's brokers asked for again.
func look() {
	time.Sleep(31 * time.Second)
	synctest.Wait()
}

// took returns how long f takes in virtual time.
func took(f func()) time.Duration {
	begun := time.Now()
	f()
	return time.Since(begun)
}
