package grpc

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// receiving is a ReceiveMessage at a broker.
type receiving struct {
	*translate.Receive
	group  translate.Group
	broker string
}

func (c *call) receiveMessage(req *pb.ReceiveMessageRequest) {
	receive, err := translate.ReadReceive(req, c.Settings().Names, c.left())
	if err != nil {
		c.fail(err)
		return
	}
	c.topic(receive.Topic, func(t *topicQuery) {
		c.group(receive.ConsumerGroup, receive.Topic, func(g translate.Group) {
			r := &receiving{Receive: receive, group: g, broker: receive.Broker}
			if r.broker == "" {
				readable := t.route.Readable()
				if len(readable) == 0 {
					c.fail(translate.NoReadableQueue(receive.Topic))
					return
				}
				r.broker = readable[int(c.turn.Add(1))%len(readable)]
			}
			c.poll(r)
		})
	})
}

const (
	// pollSlack is how much later than it promised a broker may answer a poll.
	pollSlack = 3 * time.Second
	// pollAgain is how long a poll over a lost link takes at least: SDKs poll again without a pause.
	pollAgain = time.Second
)

// poll pops from the broker. What comes after the client has stopped waiting is given back.
func (c *call) poll(r *receiving) {
	if c.polls = true; c.leaving {
		c.fail(translate.NothingYet())
		return
	}
	s := c.Settings()
	x := &exchange{broker: r.broker, poll: true, command: r.Command(r.Lease(r.group, s.Lease), r.group.Orderly, s.FromStart)}
	x.late = func() { c.giveBack(r, x) }
	patience := r.Poll + pollSlack
	if left := c.left(); left != translate.NoDeadline {
		patience = max(min(patience, left-replyTime), time.Millisecond)
	}
	c.ask(c.links, c.request(x), patience, func() {
		switch {
		case x.err != nil:
			c.later(pollAgain, func() { c.fail(x.err) })
		case c.over:
			c.giveBack(r, x)
		default:
			c.popped(r, x.answer)
		}
	}, func() { c.fail(translate.Timeout(r.broker)) })
}

// popped delivers what a broker has popped, but for what the client does not want and what was delivered too often.
func (c *call) popped(r *receiving, answer *codec.Command) {
	if answer.Code == codec.ResRequestCodeNotSupported && translate.Before5(answer.Version) {
		c.fail(translate.TooOld(r.broker))
		return
	}
	all, err := r.ReadAnswer(r.broker, answer)
	if err != nil {
		c.fail(err)
		return
	}
	now := time.Now()
	delivered := 0
	for i, p := range all {
		switch {
		case p.Unwanted:
			c.tell(r.broker, r.Acknowledge(p), nil)
			continue
		case !r.group.Orderly && p.Reconsumed >= r.group.MaxAttempts():
			c.bury(r.DeadLetter(p))
			continue
		}
		if delivered == 0 {
			c.write(translate.ReceiveStatus(nil))
		}
		delivered++
		if !c.write(r.Message(p, now)) {
			c.giveBackAll(r, all[i:])
			return
		}
	}
	if delivered == 0 {
		c.fail(translate.NoMatch())
		return
	}
	c.reply(translate.ReceiveEnd(now))
}

// giveBack makes messages visible again that came for a client that no longer waits.
func (c *call) giveBack(r *receiving, x *exchange) {
	if x.answer == nil {
		return
	}
	all, err := r.ReadAnswer(r.broker, x.answer)
	if err != nil {
		return
	}
	c.giveBackAll(r, all)
}

func (c *call) giveBackAll(r *receiving, all []*translate.Popped) {
	for _, p := range all {
		c.tell(r.broker, r.GiveBack(p), nil)
	}
}

// bury puts a message to its group's dead letters and then acknowledges it.
func (c *call) bury(d *translate.DeadLetter) {
	c.tell(d.Handle.Broker, d.Command(), func(answer *codec.Command) {
		if answer.Code == codec.ResSuccess {
			c.tell(d.Handle.Broker, d.Acknowledge(), nil)
		}
	})
}
