package grpc

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
	"github.com/rocketmq-proxy/rocketmq-proxy/transport/rpc"
)

func (c *call) updateOffset(req *pb.UpdateOffsetRequest) {
	q, err := translate.ReadUpdateOffset(req, c.Settings().Names)
	c.queue(q, err, func(answer *codec.Command) { c.reply(translate.UpdateOffsetResponse(answer)) })
}

func (c *call) getOffset(req *pb.GetOffsetRequest) {
	q, err := translate.ReadGetOffset(req, c.Settings().Names)
	c.queue(q, err, func(answer *codec.Command) { c.reply(translate.GetOffsetResponse(answer)) })
}

func (c *call) queryOffset(req *pb.QueryOffsetRequest) {
	q, err := translate.ReadQueryOffset(req, c.Settings().Names)
	c.queue(q, err, func(answer *codec.Command) { c.reply(translate.QueryOffsetResponse(answer)) })
}

func (c *call) queue(q *translate.QueueRequest, err error, then func(answer *codec.Command)) {
	if err != nil {
		c.fail(err)
		return
	}
	c.exchange(q.Broker, q.Command, then)
}

func (c *call) pull(req *pb.PullMessageRequest) {
	p, err := translate.ReadPull(req, c.Settings().Names, c.left())
	if err != nil {
		c.fail(err)
		return
	}
	x := &exchange{broker: p.Broker, command: p.Command, poll: true}
	patience := answerTimeout + pullHeld
	if left := c.left(); left != translate.NoDeadline {
		patience = max(min(patience, left-replyTime), time.Millisecond)
	}
	c.ask(c.links, c.request(x), patience, func() {
		if x.err != nil {
			c.fail(x.err)
			return
		}
		for _, m := range p.Responses(x.answer, time.Now()) {
			c.write(m)
		}
		c.end(rpc.Done)
	}, func() { c.fail(translate.Timeout(p.Broker)) })
}

// pullHeld is how long a broker may hold a pull: it looks every five seconds which ones are due.
const pullHeld = 25 * time.Second
