package grpc

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// ackMessage acknowledges each entry at its broker, and answers when all are answered.
func (c *call) ackMessage(req *pb.AckMessageRequest) {
	a, err := translate.ReadAck(req, c.Settings().Names, time.Now())
	if err != nil {
		c.fail(err)
		return
	}
	left := 1
	one := func() {
		if left--; left == 0 {
			c.reply(a.Response())
		}
	}
	for i := range a.Entries {
		e := &a.Entries[i]
		if e.Err != nil {
			continue
		}
		left++
		x := &exchange{broker: e.Handle.Broker, command: a.Command(e)}
		c.ask(c.links, x, c.patience(), func() {
			if e.Err = x.err; x.err == nil {
				e.Answered(x.answer)
			}
			one()
		}, func() {
			e.Err = translate.Timeout(e.Handle.Broker)
			one()
		})
	}
	one()
}

func (c *call) changeInvisible(req *pb.ChangeInvisibleDurationRequest) {
	change, err := translate.ReadChangeInvisible(req, c.Settings().Names, time.Now())
	if err != nil {
		c.fail(err)
		return
	}
	c.exchange(change.Handle.Broker, change.Command(), func(answer *codec.Command) { c.reply(change.Response(answer)) })
}

// deadLetter answers when the message is acknowledged, so that nothing touches it any more.
func (c *call) deadLetter(req *pb.ForwardMessageToDeadLetterQueueRequest) {
	d, err := translate.ReadDeadLetter(req, c.Settings().Names, time.Now())
	if err != nil {
		c.fail(err)
		return
	}
	c.exchange(d.Handle.Broker, d.Command(), func(answer *codec.Command) {
		if answer.Code != codec.ResSuccess {
			c.reply(translate.DeadLetterResponse(answer))
			return
		}
		c.exchange(d.Handle.Broker, d.Acknowledge(), func(*codec.Command) { c.reply(translate.DeadLetterResponse(answer)) })
	})
}
