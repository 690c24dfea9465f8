package translate

import (
	"strconv"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// ChangeInvisible is a ChangeInvisibleDuration that may go to the broker of its handle.
type ChangeInvisible struct {
	Topic, Group string
	Handle       Handle
	invisible    time.Duration
	suspend      bool
}

// ReadChangeInvisible validates a ChangeInvisibleDuration.
func ReadChangeInvisible(req *pb.ChangeInvisibleDurationRequest, n Names, now time.Time) (*ChangeInvisible, error) {
	c := &ChangeInvisible{invisible: req.GetInvisibleDuration().AsDuration(), suspend: req.GetSuspend()}
	var err error
	if c.Topic, err = n.Topic(req.GetTopic()); err != nil {
		return nil, err
	}
	if c.Group, err = n.Group(req.GetGroup()); err != nil {
		return nil, err
	}
	if c.invisible < 0 || c.invisible > maxInvisible {
		return nil, refuse(pb.Code_ILLEGAL_INVISIBLE_TIME, "invisible_duration %v is not between 0 and %v", c.invisible, maxInvisible)
	}
	if c.Handle, err = ReadHandle(req.GetReceiptHandle()); err != nil {
		return nil, err
	}
	return c, c.Handle.checkAlive(now)
}

// GiveBack makes a popped message visible again, which was not delivered.
func (r *Receive) GiveBack(p *Popped) *codec.Command {
	c := &ChangeInvisible{r.Topic, r.ConsumerGroup, p.Handle, time.Second, true}
	return c.Command()
}

// Command changes how long the message is invisible, counted from now.
func (c *ChangeInvisible) Command() *codec.Command {
	ext := map[string]string{
		"consumerGroup": c.Group, "topic": c.Handle.storedIn(c.Topic, c.Group), "queueId": strconv.Itoa(int(c.Handle.QueueID)),
		"extraInfo": c.Handle.String(), "offset": strconv.FormatInt(c.Handle.QueueOffset, 10),
		"invisibleTime": strconv.FormatInt(c.invisible.Milliseconds(), 10),
	}
	if c.suspend {
		ext["suspend"] = "true"
	}
	return command(codec.ReqChangeMessageInvisibleTime, ext)
}

// Response is what the broker's answer amounts to: the old handle is replaced by a new one.
func (c *ChangeInvisible) Response(answer *codec.Command) *pb.ChangeInvisibleDurationResponse {
	if err := brokerSaysOf(answer, handleCodes); err != nil {
		return &pb.ChangeInvisibleDurationResponse{Status: StatusOf(err)}
	}
	h := c.Handle
	h.Checkpoint = h.QueueOffset
	for name, field := range map[string]*int64{"popTime": &h.PopTime, "invisibleTime": &h.Invisible, "reviveQid": &h.ReviveQueue} {
		n, err := strconv.ParseInt(answer.Ext[name], 10, 64)
		if err != nil {
			err = refuse(pb.Code_INTERNAL_SERVER_ERROR, "the answer of broker %s has %s %.30q", h.Broker, name, answer.Ext[name])
			return &pb.ChangeInvisibleDurationResponse{Status: StatusOf(err)}
		}
		*field = n
	}
	return &pb.ChangeInvisibleDurationResponse{Status: OK(), ReceiptHandle: h.String()}
}
