package grpc

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// sending is a SendMessage on its way to a broker.
type sending struct {
	*translate.Send
	queues []translate.Queue
	tried  string // the broker that was tried before; "": none
}

func (c *call) sendMessage(req *pb.SendMessageRequest) {
	send, err := translate.ReadSend(req, translate.Publishing{Names: c.Settings().Names, Now: time.Now(), BornHost: c.rpc.Remote().Addr().String()})
	if err != nil {
		c.fail(err)
		return
	}
	c.topic(send.Topic, func(t *topicQuery) {
		if err := send.CheckType(t.attribute); err != nil {
			c.fail(err)
			return
		}
		s := &sending{Send: send, queues: t.route.Writable()}
		if len(s.queues) == 0 {
			c.fail(translate.NoWritableQueue(send.Topic))
			return
		}
		c.attempt(s)
	})
}

// attempt sends to a queue. What was certainly not taken goes to another broker once, if the client still has the patience
// and the message no place of its own. What may have been taken is never sent again: it would be there twice.
func (c *call) attempt(s *sending) {
	q := c.choose(s)
	x := c.sendTo(s, q)
	if s.Type == pb.MessageType_TRANSACTION {
		x.producer = s.Topic
	}
	c.ask(c.links, c.request(x), c.patience(), func() {
		switch {
		case (x.err != nil && x.unwritten || x.answer != nil && translate.Transient(x.answer)) && c.mayTryAnother(s, q):
			s.tried = q.Broker
			c.attempt(s)
		case x.err != nil:
			c.reply(s.Failed(translate.StatusOf(x.err)))
		default:
			c.stored(s, q.Broker, x.answer)
		}
	}, func() { c.reply(s.Failed(translate.StatusOf(translate.Timeout(q.Broker)))) })
}

// sendTo is the exchange that sends to a queue. What a delayed message becomes depends on the version of its broker.
func (c *call) sendTo(s *sending, q translate.Queue) *exchange {
	x := &exchange{broker: q.Broker}
	if !s.Delayed {
		x.command = s.Command(q.ID)
		return x
	}
	levels := c.Settings().DelayLevels
	x.prepare = func(version int32) (err error) {
		x.command, err = s.CommandFor(q.ID, q.Broker, version, levels)
		return err
	}
	return x
}

func (c *call) stored(s *sending, broker string, answer *codec.Command) {
	if s.Type == pb.MessageType_TRANSACTION {
		c.ctx.Send(c.session, &sent{s.Topic})
	}
	c.reply(s.Response(broker, answer))
}

// retryTime is how much the client's deadline must leave for a second broker.
const retryTime = 300 * time.Millisecond

func (c *call) mayTryAnother(s *sending, q translate.Queue) bool {
	left := c.left()
	if s.MessageGroup != "" || s.tried != "" || left != translate.NoDeadline && left < retryTime {
		return false
	}
	for _, other := range s.queues {
		if other.Broker != q.Broker {
			return true
		}
	}
	return false
}

// choose picks the queue: of a message group always the same, else brokers in turn, and queues of a broker in turn. A broker
// that is away is passed by, if another one is there.
func (c *call) choose(s *sending) translate.Queue {
	if s.MessageGroup != "" {
		return s.queues[translate.QueueOf(s.MessageGroup, len(s.queues))]
	}
	var brokers [][]translate.Queue // each one's queues
	for from := 0; from < len(s.queues); {
		to := from
		for to < len(s.queues) && s.queues[to].Broker == s.queues[from].Broker {
			to++
		}
		brokers = append(brokers, s.queues[from:to])
		from = to
	}
	turn := int(c.turn.Add(1))
	for i := range brokers {
		of := brokers[(turn+i)%len(brokers)]
		if broker := of[0].Broker; broker != s.tried && !c.away(broker) {
			return of[turn/len(brokers)%len(of)]
		}
	}
	of := brokers[turn%len(brokers)]
	return of[turn/len(brokers)%len(of)]
}

// away reports that a broker is known to take no connections.
func (c *call) away(broker string) bool {
	to, ok := c.Broker(broker)
	return ok && to.Away()
}
