package translate

import (
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

const (
	maxBatch     = 32
	minInvisible = 10 * time.Second
	maxInvisible = 12 * time.Hour
	maxPoll      = 20 * time.Second
	// answerTime is how long before the client's deadline a poll ends.
	answerTime = 500 * time.Millisecond
)

// NoDeadline is the time left of a call without a deadline.
const NoDeadline = time.Duration(-1 << 62)

// Receive is a ReceiveMessage that may go to a broker.
type Receive struct {
	Topic, ConsumerGroup string
	Resource             *pb.Resource  // the topic as the client calls it
	Broker               string        // "": any that can be read from
	Invisible            time.Duration // 0: the group's lease (Lease)
	Poll                 time.Duration
	filter               Filter
	batch                int
	attempt              string
}

// ReadReceive validates a ReceiveMessage, in the order of Apache's proxy.
func ReadReceive(req *pb.ReceiveMessageRequest, n Names, left time.Duration) (*Receive, error) {
	r := &Receive{
		Resource: req.GetMessageQueue().GetTopic(), Broker: req.GetMessageQueue().GetBroker().GetName(),
		batch: min(max(int(req.GetBatchSize()), 1), maxBatch), attempt: req.GetAttemptId(),
	}
	var err error
	if r.Poll, err = pollTime(req, left); err != nil {
		return nil, err
	}
	if r.Topic, err = n.Topic(r.Resource); err != nil {
		return nil, err
	}
	if r.ConsumerGroup, err = n.Group(req.GetGroup()); err != nil {
		return nil, err
	}
	if !req.GetAutoRenew() {
		if r.Invisible = req.GetInvisibleDuration().AsDuration(); r.Invisible < minInvisible || r.Invisible > maxInvisible {
			return nil, refuse(pb.Code_ILLEGAL_INVISIBLE_TIME, "invisible_duration %v is not between %v and %v", r.Invisible, minInvisible, maxInvisible)
		}
	}
	r.filter, err = ReadFilter(req.GetFilterExpression())
	return r, err
}

// pollTime is how long a broker may hold the request: until a moment before the client's deadline.
func pollTime(req *pb.ReceiveMessageRequest, left time.Duration) (time.Duration, error) {
	poll := maxPoll
	if d := req.GetLongPollingTimeout(); d != nil {
		poll = min(max(d.AsDuration(), 0), maxPoll)
	}
	switch {
	case left == NoDeadline:
		return poll, nil
	case left <= 0:
		return 0, refuse(pb.Code_ILLEGAL_POLLING_TIME, "there is no time left until the deadline")
	}
	return max(min(poll, left-answerTime), 0), nil
}

// Lease is how long messages are invisible: what the client wants or, if it leaves that to the server, what the group's
// consumers may take. Nothing is renewed, so a handle is good at any proxy until it ends.
func (r *Receive) Lease(g Group, configured time.Duration) time.Duration {
	switch {
	case r.Invisible > 0:
		return r.Invisible
	case configured > 0:
		return configured
	}
	return g.ConsumeTimeout
}

// Command pops from any queue of a broker. The time of its making is left to the broker, whose clock may differ.
func (r *Receive) Command(lease time.Duration, orderly, fromStart bool) *codec.Command {
	ext := map[string]string{
		"consumerGroup": r.ConsumerGroup, "topic": r.Topic, "queueId": "-1", "maxMsgNums": strconv.Itoa(r.batch),
		"invisibleTime": strconv.FormatInt(lease.Milliseconds(), 10), "pollTime": strconv.FormatInt(r.Poll.Milliseconds(), 10),
		"bornTime": "0", "initMode": "1", "exp": r.filter.Expression, "expType": r.filter.Type, "order": strconv.FormatBool(orderly),
	}
	if fromStart {
		ext["initMode"] = "0"
	}
	if r.attempt != "" {
		ext["attemptId"] = r.attempt
	}
	return command(codec.ReqPopMessage, ext)
}

// Popped is a message that a broker has popped, with its handle.
type Popped struct {
	*Stored
	Handle  Handle
	Attempt int32 // counted from 1
	// Unwanted is a message whose tag only has the hash of one that was asked for: it is to be acknowledged, not delivered.
	Unwanted bool
}

// ReadAnswer reads the answer to a pop. A Refusal with MESSAGE_NOT_FOUND is that there is none.
func (r *Receive) ReadAnswer(broker string, answer *codec.Command) ([]*Popped, error) {
	if answer.Code == codec.ResPollingFull {
		return nil, refuse(pb.Code_TOO_MANY_REQUESTS, "broker: %s %s", codec.ResponseCodeName(answer.Code), answer.Remark)
	}
	if err := brokerSays(answer); err != nil {
		return nil, err
	}
	all, err := ReadStored(answer.Body)
	if err != nil {
		return nil, refuse(pb.Code_INTERNAL_SERVER_ERROR, "broker %s: %v", broker, err)
	}
	if len(all) == 0 {
		return nil, refuse(pb.Code_MESSAGE_NOT_FOUND, "no new message")
	}
	info, err := readPopInfo(broker, answer.Ext)
	if err != nil {
		return nil, refuse(pb.Code_INTERNAL_SERVER_ERROR, "broker %s: %v", broker, err)
	}
	var popped []*Popped
	for _, m := range all {
		p := &Popped{Stored: m, Unwanted: !r.filter.Matches(m.Properties[propTags])}
		if p.Handle, p.Attempt, err = info.handleOf(m); err != nil {
			return nil, refuse(pb.Code_INTERNAL_SERVER_ERROR, "broker %s: %v", broker, err)
		}
		popped = append(popped, p)
	}
	return popped, nil
}

// Message is a popped message as the client gets it.
func (r *Receive) Message(p *Popped, now time.Time) *pb.ReceiveMessageResponse {
	m := p.message(r.Resource, StoredView{
		Handle: p.Handle.String(), Invisible: time.Duration(p.Handle.Invisible) * time.Millisecond, Attempt: p.Attempt, Now: now,
	})
	return &pb.ReceiveMessageResponse{Content: &pb.ReceiveMessageResponse_Message{Message: m}}
}

// ReceiveStatus begins the answer to a ReceiveMessage.
func ReceiveStatus(err error) *pb.ReceiveMessageResponse {
	return &pb.ReceiveMessageResponse{Content: &pb.ReceiveMessageResponse_Status{Status: StatusOf(err)}}
}

// ReceiveEnd ends it.
func ReceiveEnd(now time.Time) *pb.ReceiveMessageResponse {
	return &pb.ReceiveMessageResponse{Content: &pb.ReceiveMessageResponse_DeliveryTimestamp{DeliveryTimestamp: timestamppb.New(now)}}
}

// Filter is which messages of a topic a consumer wants.
type Filter struct {
	Expression string
	Type       string          // TAG or SQL92
	tags       map[string]bool // nil: all
}

// ReadFilter reads a filter expression (FilterAPI.java): nothing and "*" are everything, else tags separated by "||".
func ReadFilter(e *pb.FilterExpression) (Filter, error) {
	text := strings.TrimSpace(e.GetExpression())
	if e.GetType() == pb.FilterType_SQL {
		if text == "" {
			return Filter{}, refuse(pb.Code_ILLEGAL_FILTER_EXPRESSION, "the SQL filter is blank")
		}
		return Filter{Expression: text, Type: "SQL92"}, nil
	}
	if text == "" || text == "*" {
		return Filter{Expression: "*", Type: "TAG"}, nil
	}
	f := Filter{Expression: text, Type: "TAG", tags: map[string]bool{}}
	for tag := range strings.SplitSeq(text, "||") {
		if tag = strings.TrimSpace(tag); tag != "" {
			f.tags[tag] = true
		}
	}
	if len(f.tags) == 0 {
		return Filter{}, refuse(pb.Code_ILLEGAL_FILTER_EXPRESSION, "the filter %.100q names no tag", text)
	}
	return f, nil
}

// Matches reports that a message with a tag is wanted. Brokers compare hashes of tags only.
func (f Filter) Matches(tag string) bool { return f.tags == nil || f.tags[tag] }
