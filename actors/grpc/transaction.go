package grpc

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// endTransaction tells the broker of the half message the outcome, once: each commit publishes the message again.
func (c *call) endTransaction(req *pb.EndTransactionRequest) {
	e, err := translate.ReadEndTransaction(req, c.Settings().Names)
	if err != nil {
		c.fail(err)
		return
	}
	if e.Unknown {
		c.fail(nil)
		return
	}
	c.exchange(e.Broker, e.Command(), func(answer *codec.Command) { c.reply(e.Response(answer)) })
}

func (c *call) recall(req *pb.RecallMessageRequest) {
	r, err := translate.ReadRecall(req, c.Settings().Names)
	if err != nil {
		c.fail(err)
		return
	}
	c.exchange(r.Broker, r.Command(), func(answer *codec.Command) { c.reply(r.Response(answer)) })
}
