package grpc

import (
	"cmp"
	"sync"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport/rpc"
)

// What counts as a request is what a remoting client would have sent: each command that a call has a broker carry out, under its
// code and its broker, and a call that asked no broker under the code that such a client would have asked with. What the proxy asks
// on its own, as how a topic is configured, does not count. Telemetry is no request either.

// ports are what the statistics of a listener's gRPC are labeled with.
type ports struct {
	mu  sync.Mutex
	all map[string]*messages.Port // by broker; of one stat_prefix
}

// port is that of a broker; "": of calls that ask none.
func (s *shared) port(broker string) *messages.Port {
	prefix := s.StatPrefix()
	s.ports.mu.Lock()
	defer s.ports.mu.Unlock()
	p := s.ports.all[broker]
	if p == nil || p.StatPrefix != prefix {
		p = &messages.Port{Listener: s.Listener, StatPrefix: prefix, Role: messages.GRPC, Broker: route.BrokerID{Name: broker}}
		if s.ports.all == nil {
			s.ports.all = map[string]*messages.Port{}
		}
		s.ports.all[broker] = p
	}
	return p
}

// counter is where actors count that are on no executor.
func (s *shared) counter() *stats.Recorder { return s.Env.Recorders[transport.Inline{}] }

func count(r *stats.Recorder, port *messages.Port, samples ...messages.Sample) {
	r.Add(port, &messages.Delta{Samples: samples})
}

// requested counts the request that an exchange is.
func (s *shared) requested(r *stats.Recorder, port *messages.Port, x *exchange) {
	if x.began != 0 {
		x.port = port
		count(r, port, messages.Sample{Kind: messages.RequestRead, Code: x.command.Code})
	}
}

// settled counts its answer.
func (s *shared) settled(r *stats.Recorder, x *exchange, response int32) {
	if x.port != nil {
		count(r, x.port, messages.Sample{
			Kind: messages.RequestAnswered, Code: x.command.Code, Response: response, Nanos: s.Env.Now() - x.began,
		})
		x.port = nil
	}
}

// abandoned counts that there will be none.
func (s *shared) abandoned(r *stats.Recorder, x *exchange) {
	if x.port != nil {
		count(r, x.port, messages.Sample{Kind: messages.RequestAbandoned, Code: x.command.Code})
		x.port = nil
	}
}

// counts counts something that has happened to a link.
func (l *link) counts(s messages.Sample) { count(l.recorder, l.port(l.broker), s) }

// ended counts a call that has ended in some way.
func (s *shared) ended(method, code string) {
	if _, known := methods[method]; !known {
		method = "other"
	}
	s.counter().Add(s.port(""), &messages.Delta{Call: messages.Call{Method: method, Code: code}})
}

// endings are gRPC's own names (code.proto) of how we end calls.
var endings = map[uint32]string{
	rpc.InvalidArgument("").Code: "INVALID_ARGUMENT", rpc.ResourceExhausted("").Code: "RESOURCE_EXHAUSTED",
	rpc.Unimplemented("").Code: "UNIMPLEMENTED", rpc.Unavailable("").Code: "UNAVAILABLE",
}

// canceled is how a call ends whose client is gone, or waits no longer.
const canceled = "CANCELED"

// tally is what a call counts for.
type tally struct {
	began   int64   // on the process clock
	code    pb.Code // of its status
	counted bool    // as a request, by what it has asked brokers for, or as it has ended
}

// request has an exchange of a call count as a request of its client.
func (c *call) request(x *exchange) *exchange {
	x.began, c.tally.counted = c.tally.began, true
	return x
}

// account counts the call, once, when it is over for the client.
func (c *call) account(end string) {
	if !c.streams() {
		c.client.Ended()
	}
	c.shared.ended(c.rpc.Method(), end)
	if c.tally.counted || c.method.code == 0 {
		return
	}
	c.tally.counted = true
	read := messages.Sample{Kind: messages.RequestRead, Code: c.method.code}
	if end == canceled {
		count(c.counter(), c.port(""), read, messages.Sample{Kind: messages.RequestAbandoned, Code: c.method.code})
		return
	}
	count(c.counter(), c.port(""), read, messages.Sample{
		Kind: messages.RequestAnswered, Code: c.method.code, Local: true, Response: response(c.tally.code), Nanos: c.Env.Now() - c.tally.began,
	})
}

// outcome is how a call is counted that ends so.
func (c *call) outcome(s rpc.Status) string {
	if name, ok := endings[s.Code]; ok {
		return name
	}
	return cmp.Or(c.tally.code, pb.Code_OK).String()
}

// malformed counts a message that cannot be read.
func (c *call) malformed() {
	c.tally.counted = true
	count(c.counter(), c.port(""), messages.Sample{Kind: messages.RequestMalformed})
}

// response is what a remoting client would have been answered instead of a status.
func response(code pb.Code) int32 {
	if r, ok := responses[code]; ok {
		return r
	}
	return codec.ResSystemError
}

var responses = map[pb.Code]int32{
	pb.Code_OK: codec.ResSuccess, pb.Code_MULTIPLE_RESULTS: codec.ResSuccess, pb.Code_MESSAGE_NOT_FOUND: codec.ResPollingTimeout,
	pb.Code_TOO_MANY_REQUESTS: codec.ResFlowControl, pb.Code_TOPIC_NOT_FOUND: codec.ResTopicNotExist,
	pb.Code_CONSUMER_GROUP_NOT_FOUND: codec.ResSubscriptionGroupNotExist, pb.Code_FORBIDDEN: codec.ResNoPermission,
	pb.Code_NOT_IMPLEMENTED: codec.ResRequestCodeNotSupported,
}
