package grpc

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport/rpc"
)

// Options are what the gRPC of a listener stands on.
type Options struct {
	Env      *env.Env
	Listener string
	Cluster  func() *actor.PID // answers messages.RouteQuery
	// Broker is the master of a broker name; ok is false when it is not known.
	Broker func(name string) (to messages.Destination, ok bool)
	// StatPrefix is that of the 27 statistics by now.
	StatPrefix func() string
	// Settings are those in effect: a reload changes them.
	Settings func() *Settings
}

// Settings are the keys of [listener.grpc].
type Settings struct {
	Enabled    bool
	Advertise  string // host:port in routes; "": what the client wrote
	SelfSigned bool   // answer TLS without a certificate of the listener's
	Names      translate.Names
	Lease      time.Duration // 0: the group's
	FromStart  bool          // where new groups begin
	// DelayLevels has delayed messages of brokers before 5.0 delivered by delay levels; else they are refused.
	DelayLevels bool
}

// shared is what all actors of one listener's gRPC have in common.
type shared struct {
	Options
	sessions, metadata, links system.Sink
	turn                      atomic.Uint32 // of the brokers that messages go to
	ports                     ports
}

// service owns the server. What it stands on are its children.
type service struct {
	options Options
	shared  *shared
	server  *rpc.Server
	tls     *tls.Config
}

// Props is the recipe of the actor that serves a listener's gRPC.
func Props(o Options) *actor.Props {
	return o.Env.Props(func() actor.Actor { return &service{options: o} }, nil, nil)
}

// name is that of the API that is served.
const name = "apache.rocketmq.v2.MessagingService"

// Receive is part of actor.Actor.
func (s *service) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.start(ctx)
	case *messages.HTTP2:
		s.take(m)
	case *messages.LetGo:
		s.server.LetGo()
		s.shared.sessions.Deliver(m)
	case *actor.Stopping, *actor.Restarting:
		s.options.Env.CleanUp(func() { s.server.Close() })
	}
}

func (s *service) start(ctx actor.Context) {
	e := s.options.Env
	s.shared = &shared{Options: s.options}
	child := func(name string, produce func() actor.Actor) system.Sink {
		pid, err := ctx.SpawnNamed(e.Props(produce, nil, nil), name)
		if err != nil {
			panic("cannot start " + name + ": " + err.Error())
		}
		return system.NewSink(e.System, pid)
	}
	s.shared.links = child("links", func() actor.Actor { return &links{shared: s.shared} })
	s.shared.metadata = child("metadata", func() actor.Actor { return &metadata{shared: s.shared} })
	s.shared.sessions = child("sessions", func() actor.Actor { return &sessions{shared: s.shared} })
	s.server = rpc.NewServer(rpc.Options{
		Service: name, Budget: e.Transport, Streams: map[string]bool{"Telemetry": true},
		Malformed: s.shared.notGRPC, WriteStall: e.Settings().WriteStallTimeout,
		Begin: func(c *rpc.Call, first []byte) { s.shared.sessions.Deliver(&begin{c, first}) },
	})
}

// notGRPC counts a client that has sent what is no HTTP/2, no gRPC, or no message of the API.
func (s *shared) notGRPC(reason string) {
	looks := s.Env.Rejections.Malformed(&codec.FrameError{LooksLike: codec.LooksLikeGRPC})
	if line, ok := s.Env.Malformed.Allow(s.Env.Now(), "listener", s.Listener, "reason", reason, "looks_like", looks); ok {
		s.Env.Log.Warn("malformed frame from client", line...)
	}
}

// handshakeTimeout bounds TLS with a certificate of our own making.
const handshakeTimeout = 10 * time.Second

// take serves a connection; TLS first, if it begins with that.
func (s *service) take(m *messages.HTTP2) {
	if !m.TLS {
		s.server.Take(m.Conn, m.Client)
		return
	}
	if s.tls == nil {
		var err error
		if s.tls, err = rpc.SelfSigned(); err != nil {
			s.options.Env.Log.Error("cannot make a certificate", "listener", s.options.Listener, "error", err)
			m.Conn.Close()
			return
		}
	}
	go s.secure(tls.Server(m.Conn, s.tls), m.Client)
}

func (s *service) secure(nc *tls.Conn, client *messages.GRPCClient) {
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	if err := nc.HandshakeContext(ctx); err != nil || nc.ConnectionState().NegotiatedProtocol != "h2" {
		s.options.Env.Log.Debug("tls client closed", "listener", s.options.Listener, "client", remote(nc), "error", err)
		nc.Close()
		return
	}
	s.server.Take(nc, client)
}

func remote(nc net.Conn) string {
	if a := nc.RemoteAddr(); a != nil {
		return a.String()
	}
	return ""
}
