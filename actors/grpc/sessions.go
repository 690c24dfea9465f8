package grpc

import (
	"net/url"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport/rpc"
)

// begin brings a call with its first message.
type begin struct {
	rpc   *rpc.Call
	first []byte
}

// Discard is for a message whose receiver is gone.
func (m *begin) Discard() { m.rpc.End(rpc.Unavailable("the proxy restarts the client's session")) }

// orphan is a broker's question about a half message (39).
type orphan struct {
	broker  string
	command *codec.Command
}

// publishes tells sessions that a session has a stream, and which topics its producer has. No topics: the stream has ended.
type publishes struct {
	session *actor.PID
	topics  []string
}

// sessions finds the session of each call by its client id, and starts it if there is none.
type sessions struct {
	*shared
	self       system.Sink
	all        map[string]system.Sink     // by client id
	publishers map[string][]*actor.PID    // by topic, the latest last
	published  map[string]map[string]bool // the topics of a session, by its actor's id
	letGo      *messages.LetGo            // a drain has begun; nil: none
}

// sessionCost is about what a session takes, in bytes: clients may make up as many ids as they like.
const sessionCost = 4 << 10

// maxClientID bounds what a client may call itself.
const maxClientID = 512

// Receive is part of actor.Actor.
func (s *sessions) Receive(ctx actor.Context) {
	switch m := ctx.Message().(type) {
	case *actor.Started:
		s.self = system.NewSink(s.Env.System, ctx.Self())
		s.all, s.publishers, s.published = map[string]system.Sink{}, map[string][]*actor.PID{}, map[string]map[string]bool{}
	case *begin:
		s.begin(ctx, m)
	case *publishes:
		s.publishes(m)
	case *orphan:
		s.orphan(ctx, m)
	case *messages.LetGo:
		s.letGo = m
		for _, to := range s.all {
			to.Deliver(m)
		}
	case *actor.Terminated:
		s.left(m.Who)
	case *actor.Stopping, *actor.Restarting: // its children end with it
		s.Env.CleanUp(func() { s.counts(-len(s.all)); clear(s.all) })
	}
}

func (s *sessions) begin(ctx actor.Context, m *begin) {
	id := m.rpc.Metadata("x-mq-client-id")
	known, ok := methods[m.rpc.Method()]
	if !ok {
		s.ended(m.rpc.Method(), endings[rpc.Unimplemented("").Code])
		m.rpc.End(rpc.Unimplemented("method " + m.rpc.Method() + " is not known"))
		return
	}
	if id == "" || len(id) > maxClientID {
		for _, answer := range known.refuse(translate.StatusOf(translate.NoClientID())) {
			m.rpc.Write(encode(answer))
		}
		s.ended(m.rpc.Method(), translate.StatusOf(translate.NoClientID()).Code.String())
		m.rpc.End(rpc.Done)
		return
	}
	session, ok := s.all[id]
	if !ok {
		if !s.Env.Transport.Reserve(sessionCost) {
			s.ended(m.rpc.Method(), endings[rpc.ResourceExhausted("").Code])
			m.rpc.End(rpc.ResourceExhausted("the proxy has no memory left for another client (limits.buffer_total)"))
			return
		}
		session = s.spawn(ctx, id)
		s.all[id] = session
		s.counts(1)
	}
	session.Deliver(m)
}

func (s *sessions) spawn(ctx actor.Context, id string) system.Sink {
	props := s.Env.Props(func() actor.Actor { return &session{shared: s.shared, id: id, letGo: s.letGo} }, nil, nil)
	name := "session/" + url.PathEscape(id)
	pid, err := ctx.SpawnNamed(props, name)
	if err != nil { // that of a session which ended a moment ago is still on its way out
		pid = ctx.SpawnPrefix(props, name)
	}
	return system.NewSink(s.Env.System, pid)
}

// counts has the number of sessions change, and what is reserved for them with those that end.
func (s *sessions) counts(change int) {
	s.counter().Add(s.port(""), &messages.Delta{Sessions: change})
	if change < 0 {
		s.Env.Transport.Release(-change * sessionCost)
	}
}

func (s *sessions) left(who *actor.PID) {
	for id, to := range s.all {
		if to.PID.Equal(who) {
			delete(s.all, id)
			s.counts(-1)
		}
	}
	s.publishes(&publishes{session: who})
}

// publishes notes which session to ask for the outcome of a half message: the one that published the topic last.
func (s *sessions) publishes(m *publishes) {
	gone := s.published[m.session.Id]
	if len(m.topics) == 0 {
		delete(s.published, m.session.Id)
	} else {
		gone = nil
		if s.published[m.session.Id] == nil {
			s.published[m.session.Id] = map[string]bool{}
		}
	}
	for topic := range gone {
		s.publishers[topic] = without(s.publishers[topic], m.session)
		if len(s.publishers[topic]) == 0 {
			delete(s.publishers, topic)
		}
	}
	for _, topic := range m.topics {
		s.published[m.session.Id][topic] = true
		s.publishers[topic] = append(without(s.publishers[topic], m.session), m.session)
	}
}

func without(list []*actor.PID, pid *actor.PID) (rest []*actor.PID) {
	for _, p := range list {
		if !p.Equal(pid) {
			rest = append(rest, p)
		}
	}
	return rest
}

// orphan passes a broker's question on. If nobody can be asked it is dropped: the broker asks again.
func (s *sessions) orphan(ctx actor.Context, m *orphan) {
	command, topic, err := translate.ReadCheck(m.broker, m.command)
	if err != nil {
		s.Env.Log.Warn("cannot read transaction check", "listener", s.Listener, "broker", m.broker, "error", err)
		return
	}
	if asked := s.publishers[topic]; len(asked) > 0 {
		ctx.Send(asked[len(asked)-1], command)
	}
}
