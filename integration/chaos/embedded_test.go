package chaos

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// embeddedServer is what the embedded brokers and name servers have in common.
type embeddedServer interface {
	Fault(code int32, f embedded.Fault) *embedded.FaultHandle
	CloseConnections() int
	PauseReading()
	ResumeReading()
	Stop()
	Restart() error
}

// restartEmbedded waits for a port to come free: a client may have got it as its own meanwhile.
func restartEmbedded(server embeddedServer) error {
	var err error
	for range 100 {
		if err = server.Restart(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// serverFaults are the faults of both.
func serverFaults(server embeddedServer) []fault {
	return []fault{
		{"stop", func(in *injection) error {
			server.Stop()
			in.waitUpTo(3 * time.Second)
			return restartEmbedded(server)
		}},
		{"hang", func(in *injection) error {
			server.PauseReading()
			in.waitUpTo(3 * time.Second)
			server.ResumeReading()
			return nil
		}},
		{"close all connections", func(*injection) error { server.CloseConnections(); return nil }},
	}
}

// serverFault keeps a fault of an embedded server in force for some time.
func serverFault(name string, server embeddedServer, code int32, f func(*injection) embedded.Fault) fault {
	return fault{name, func(in *injection) error {
		h := server.Fault(code, f(in))
		in.waitUpTo(3 * time.Second)
		h.Remove()
		in.log("%s struck %d requests", name, h.Hits())
		return nil
	}}
}

// lossyFault is a fault that no client sees until the connections end.
func lossyFault(name string, server embeddedServer, code int32, f func(*injection) embedded.Fault) fault {
	inner := serverFault(name, server, code, f)
	return fault{name, func(in *injection) error {
		err := inner.do(in)
		server.CloseConnections()
		return err
	}}
}

func always(f embedded.Fault) func(*injection) embedded.Fault {
	return func(*injection) embedded.Fault { return f }
}

func few(f embedded.Fault) func(*injection) embedded.Fault {
	return func(in *injection) embedded.Fault { return f.Times(1 + in.rand.IntN(3)) }
}

func embeddedBroker(b *embedded.Broker) target {
	const send, pull, pop, ack = codec.ReqSendMessageV2, codec.ReqPullMessage, codec.ReqPopMessage, codec.ReqAckMessage
	return target{name: b.Name(), faults: append(serverFaults(b),
		fault{"cut off", func(in *injection) error {
			b.Cut()
			in.waitUpTo(3 * time.Second)
			return restartEmbedded(b)
		}},
		serverFault("hold answers", b, embedded.AnyCode, always(embedded.Hold())),
		serverFault("answer late", b, send, always(embedded.Delay(200*time.Millisecond))),
		serverFault("answer slowly", b, pull, few(embedded.Slow(20_000))),
		serverFault("refuse", b, send, always(embedded.Answer(codec.ResSystemBusy, deliberately))),
		serverFault("reset on a send", b, send, few(embedded.Kill())),
		lossyFault("lose requests", b, embedded.AnyCode, few(embedded.Drop())),
		lossyFault("lose answers", b, send, few(embedded.DropAnswer())),
		lossyFault("lose popped messages", b, pop, few(embedded.DropAnswer())),
		lossyFault("lose answers to acks", b, ack, few(embedded.DropAnswer())),
		serverFault("answer garbage", b, embedded.AnyCode, few(embedded.Garbage([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")))),
		serverFault("cut an answer", b, pull, func(in *injection) embedded.Fault {
			return embedded.CutAnswer(in.rand.IntN(2000)).Times(1 + in.rand.IntN(3))
		}),
	)}
}

func embeddedNameServer(i int, ns *embedded.NameServer) target {
	return target{name: fmt.Sprintf("namesrv-%d", i), faults: append(serverFaults(ns),
		serverFault("hold answers", ns, embedded.AnyCode, always(embedded.Hold())),
		serverFault("answer late", ns, embedded.AnyCode, always(embedded.Delay(300*time.Millisecond))),
		serverFault("answer garbage", ns, embedded.AnyCode, few(embedded.Garbage([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")))),
		serverFault("refuse", ns, embedded.AnyCode, few(embedded.Answer(codec.ResSystemError, deliberately))),
	)}
}

// embeddedEnvironment starts an embedded cluster of two brokers and two name servers, without proxies.
func embeddedEnvironment(t *testing.T) (*environment, *embedded.Cluster) {
	t.Helper()
	e := &environment{queues: 3, topic: "Chaos", keepsAcks: true, ledger: newLedger()}
	return e, e.addEmbedded(t, 2, "broker-a", "broker-b")
}

// movedTopic is in the second cluster of a round on one port.
const movedTopic = "ChaosElsewhere"

// onePortEnvironment starts two clusters, the second of which has a topic that routes lead there: it is on one broker, so that
// clients that name no broker can use it.
func onePortEnvironment(t *testing.T) (*environment, upstreams) {
	t.Helper()
	e, first := embeddedEnvironment(t)
	e.onePort, e.stockTopic, e.moved = true, movedTopic, map[string]string{"broker-c": movedTopic}
	second := e.addEmbedded(t, 1, "broker-c")
	return e, upstreams{NameServers: first.NameServers(), Moved: second.NameServers()}
}

// addEmbedded starts a cluster whose brokers and name servers become targets.
func (e *environment) addEmbedded(t *testing.T, nameServers int, brokers ...string) *embedded.Cluster {
	t.Helper()
	o := embedded.Options{NameServers: nameServers, MaxMemory: 1 << 30}
	for _, name := range brokers {
		o.Brokers = append(o.Brokers, embedded.BrokerOptions{Name: name})
	}
	cluster, err := embedded.Start(o)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	require.NoError(t, cluster.CreateTopic(e.topicOf(brokers[0]), e.queues))
	before := len(e.servers) - len(e.brokers) // name servers of other clusters
	for _, b := range cluster.Brokers() {
		e.servers = append(e.servers, embeddedBroker(b))
		e.brokers = append(e.brokers, b.Name())
		e.direct = append(e.direct, b.Addr())
	}
	for i := range cluster.NameServers() {
		e.servers = append(e.servers, embeddedNameServer(before+i, cluster.NameServer(i)))
	}
	return cluster
}
