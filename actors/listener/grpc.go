package listener

import (
	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/grpc"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// speaks reports that the name-server port serves clients that begin with a protocol: HTTP/2, or TLS where the listener has no
// certificate of its own.
func (l *Listener) speaks(protocol string) bool {
	s := &l.present().GRPC
	switch protocol {
	case codec.LooksLikeGRPC:
		return s.Enabled
	case codec.LooksLikeTLS:
		return s.Enabled && s.SelfSigned && l.present().Handshake.TLS == nil
	}
	return false
}

// http2 hands a connection to the listener's gRPC, which begins with the first one.
func (l *listener) http2(ctx actor.Context, m *messages.HTTP2) {
	if l.closing || l.retiring {
		m.Conn.Close()
		return
	}
	if l.grpc == nil {
		first := l.Listener
		l.grpc = ctx.SpawnPrefix(grpc.Props(grpc.Options{
			Env: l.env, Listener: l.Name,
			Cluster:    func() *actor.PID { return first.present().Cluster.PID() },
			StatPrefix: func() string { return first.present().StatPrefix },
			Settings:   func() *grpc.Settings { return &first.present().GRPC },
			Broker: func(name string) (messages.Destination, bool) {
				b := first.present().Cluster.Snapshot().Broker(route.BrokerID{Name: name})
				return b, b != nil
			},
		}), "grpc")
	}
	ctx.Send(l.grpc, m)
}

// stopGRPC ends the listener's gRPC: its clients connect again, and what they find then stands for another cluster.
func (l *listener) stopGRPC(ctx actor.Context) {
	if l.grpc != nil {
		ctx.Stop(l.grpc)
		l.grpc = nil
	}
}

// letGoGRPC has gRPC clients connect elsewhere.
func (l *listener) letGoGRPC(ctx actor.Context) {
	if l.grpc != nil {
		ctx.Send(l.grpc, &messages.LetGo{})
	}
}
