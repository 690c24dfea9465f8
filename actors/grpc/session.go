package grpc

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// session is one client, whatever connections its calls come on. It is what transaction checks go to; it knows nothing that
// a call needs.
type session struct {
	*shared
	id     string
	self   system.Sink
	heard  int64      // when a call began, on the process clock
	stream *actor.PID // the Telemetry call; nil: none
	topics map[string]bool
	cancel func()
	letGo  *messages.LetGo // a drain has begun; nil: none
}

// streamed tells a session that a Telemetry call has read Settings, or (over) has ended.
type streamed struct {
	call   *actor.PID
	topics []string // of a producer
	over   bool
}

// sent tells a session that a producer has sent a half message to a topic, which its Settings may not have named.
type sent struct{ topic string }

const (
	sessionTick = 30 * time.Second
	// sessionIdle is how long a session without a call is kept.
	sessionIdle = 2 * time.Minute
	// maxTopics bounds what a session is remembered to publish, and topicCost is about what one takes beside its name, in bytes.
	maxTopics = 1000
	topicCost = 500
)

// Receive is part of actor.Actor.
func (s *session) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.self, s.heard, s.topics = system.NewSink(s.Env.System, ctx.Self()), s.Env.Now(), map[string]bool{}
		s.cancel = system.Every(sessionTick, s.self, &messages.Tick{})
	case *begin:
		s.heard = s.Env.Now()
		pid := ctx.SpawnPrefix(s.Env.Props(func() actor.Actor { return &call{shared: s.shared} }, nil, nil), "call")
		ctx.Send(pid, m)
		if s.letGo != nil {
			ctx.Send(pid, s.letGo)
		}
	case *streamed:
		s.streamed(ctx, m)
	case *sent:
		s.publishes(ctx, m.topic)
	case *pb.RecoverOrphanedTransactionCommand:
		if s.stream != nil {
			ctx.Send(s.stream, m)
		}
	case *messages.LetGo:
		s.letGo = m
		for _, call := range ctx.Children() {
			ctx.Send(call, m)
		}
	case *messages.Tick:
		if len(ctx.Children()) == 0 && s.Env.Now()-s.heard > int64(sessionIdle) {
			ctx.Stop(ctx.Self())
		}
	case *actor.Stopping, *actor.Restarting:
		s.Env.CleanUp(func() { s.cancel(); s.forget() })
	}
}

// forget gives back what topics take.
func (s *session) forget() {
	for t := range s.topics {
		s.Env.Transport.Release(topicCost + len(t))
	}
	s.topics = nil
}

func (s *session) streamed(ctx actor.Context, m *streamed) {
	if m.over {
		if s.stream != nil && s.stream.Equal(m.call) {
			s.stream = nil
			s.sessions.Deliver(&publishes{session: ctx.Self()})
		}
		return
	}
	s.stream = m.call
	s.publishes(ctx, m.topics...)
}

// publishes has sessions know which topics the client publishes, while it can be asked.
func (s *session) publishes(ctx actor.Context, topics ...string) {
	for _, t := range topics {
		if !s.topics[t] && len(s.topics) < maxTopics && s.Env.Transport.Reserve(topicCost+len(t)) {
			s.topics[t] = true
		}
	}
	if s.stream == nil {
		return
	}
	all := make([]string, 0, len(s.topics))
	for t := range s.topics {
		all = append(all, t)
	}
	if len(all) > 0 {
		s.sessions.Deliver(&publishes{ctx.Self(), all})
	}
}
