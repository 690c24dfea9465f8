package chaos

import (
	"fmt"
	"time"

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

// outagesOf is what can be done to both.
func outagesOf(server embeddedServer) []torment {
	return []torment{
		{"stop", func(s *scene) error {
			server.Stop()
			s.last(3 * time.Second)
			return restartEmbedded(server)
		}},
		{"hang", func(s *scene) error {
			server.PauseReading()
			s.last(3 * time.Second)
			server.ResumeReading()
			return nil
		}},
		{"close all connections", func(*scene) error { server.CloseConnections(); return nil }},
	}
}

// faulty keeps a fault in force for some time.
func faulty(name string, server embeddedServer, code int32, f func(*scene) embedded.Fault) torment {
	return torment{name, func(s *scene) error {
		h := server.Fault(code, f(s))
		s.last(3 * time.Second)
		h.Remove()
		s.log("%s struck %d requests", name, h.Hits())
		return nil
	}}
}

// losing is a fault of which nobody learns, until the connections end.
func losing(name string, server embeddedServer, code int32, f func(*scene) embedded.Fault) torment {
	fault := faulty(name, server, code, f)
	return torment{name, func(s *scene) error {
		err := fault.do(s)
		server.CloseConnections()
		return err
	}}
}

func always(f embedded.Fault) func(*scene) embedded.Fault {
	return func(*scene) embedded.Fault { return f }
}

func few(f embedded.Fault) func(*scene) embedded.Fault {
	return func(s *scene) embedded.Fault { return f.Times(1 + s.rand.IntN(3)) }
}

func embeddedBroker(b *embedded.Broker) target {
	const send, pull, pop, ack = codec.ReqSendMessageV2, codec.ReqPullMessage, codec.ReqPopMessage, codec.ReqAckMessage
	return target{name: b.Name(), torments: append(outagesOf(b),
		torment{"cut off", func(s *scene) error {
			b.Cut()
			s.last(3 * time.Second)
			return restartEmbedded(b)
		}},
		faulty("hold answers", b, embedded.AnyCode, always(embedded.Hold())),
		faulty("answer late", b, send, always(embedded.Delay(200*time.Millisecond))),
		faulty("answer slowly", b, pull, few(embedded.Slow(20_000))),
		faulty("refuse", b, send, always(embedded.Answer(codec.ResSystemBusy, deliberately))),
		faulty("reset on a send", b, send, few(embedded.Kill())),
		losing("lose requests", b, embedded.AnyCode, few(embedded.Drop())),
		losing("lose answers", b, send, few(embedded.DropAnswer())),
		losing("lose popped messages", b, pop, few(embedded.DropAnswer())),
		losing("lose answers to acks", b, ack, few(embedded.DropAnswer())),
		faulty("answer garbage", b, embedded.AnyCode, few(embedded.Garbage([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")))),
		faulty("cut an answer", b, pull, func(s *scene) embedded.Fault {
			return embedded.CutAnswer(s.rand.IntN(2000)).Times(1 + s.rand.IntN(3))
		}),
	)}
}

func embeddedNameServer(i int, ns *embedded.NameServer) target {
	return target{name: fmt.Sprintf("namesrv-%d", i), torments: append(outagesOf(ns),
		faulty("hold answers", ns, embedded.AnyCode, always(embedded.Hold())),
		faulty("answer late", ns, embedded.AnyCode, always(embedded.Delay(300*time.Millisecond))),
		faulty("answer garbage", ns, embedded.AnyCode, few(embedded.Garbage([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")))),
		faulty("refuse", ns, embedded.AnyCode, few(embedded.Answer(codec.ResSystemError, deliberately))),
	)}
}

// embeddedArena starts an embedded cluster of two brokers and two name servers, without proxies.
func embeddedArena() (*arena, *embedded.Cluster, error) {
	cluster, err := embedded.Start(embedded.Options{NameServers: 2, MaxMemory: 1 << 30,
		Brokers: []embedded.BrokerOptions{{Name: "broker-a"}, {Name: "broker-b"}}})
	if err != nil {
		return nil, nil, err
	}
	a := &arena{queues: 3, topic: "Chaos", keepsAcks: true, ledger: newLedger()}
	if err := cluster.CreateTopic(a.topic, a.queues); err != nil {
		cluster.Close()
		return nil, nil, err
	}
	for _, b := range cluster.Brokers() {
		a.behind = append(a.behind, embeddedBroker(b))
		a.brokers = append(a.brokers, b.Name())
		a.direct = append(a.direct, b.Addr())
	}
	for i := range cluster.NameServers() {
		a.behind = append(a.behind, embeddedNameServer(i, cluster.NameServer(i)))
	}
	return a, cluster, nil
}
