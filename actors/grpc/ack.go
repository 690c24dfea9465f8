package grpc

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// ackMessage acknowledges entries, at each broker all together, and answers when all are answered.
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
	for _, b := range a.Batches() {
		left++
		c.ackAt(b.Broker, b.Command(), b.Entries, func(answer *codec.Command) {
			if !b.Answered(answer) {
				left += len(b.Entries)
				c.ackEach(a, b, one)
			}
			one()
		}, one)
	}
	one()
}

// ackEach acknowledges the entries of a batch that was refused one by one.
func (c *call) ackEach(a *translate.Ack, b *translate.AckBatch, one func()) {
	for _, e := range b.Entries {
		c.ackAt(b.Broker, a.Command(e), []*translate.AckEntry{e}, func(answer *codec.Command) {
			e.Answered(answer)
			one()
		}, one)
	}
}

// ackAt asks a broker for the acknowledgment of entries. failed is called when it has not answered, which the entries then say.
func (c *call) ackAt(broker string, command *codec.Command, entries []*translate.AckEntry, answered func(*codec.Command), failed func()) {
	lost := func(err error) {
		for _, e := range entries {
			e.Err = err
		}
		failed()
	}
	x := &exchange{broker: broker, command: command}
	c.ask(c.links, c.request(x), c.patience(), func() {
		if x.err != nil {
			lost(x.err)
			return
		}
		answered(x.answer)
	}, func() { lost(translate.Timeout(broker)) })
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
