package connection

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
)

// What a client's connection goes through when its broker is lost. Measured with clients beside ones that are connected
// directly (integration/stories/brokerlost_test.go):
//
//	consumers, except Go's   kept, and answered 14: they ask again by themselves, and the replay of their heartbeat makes
//	                         them members again as soon as the broker is back
//	Java producers           their connection breaks (RST): their asynchronous sends are retried on another broker only
//	                         then, not when they are answered 14; their synchronous ones are in either case. An orderly
//	                         end (FIN) would leave what waits to its timeout in clients up to 5.0
//	everyone else            what waits is answered 14, and the connection ends once the broker is known to be away, as
//	                         what comes next is better refused. The Go client retries synchronous sends when answered 14,
//	                         and its asynchronous ones crash when a connection breaks. But a member that is answered 14
//	                         when it asks for the others (38) takes that for an empty list and gives up all its queues,
//	                         also those of other brokers, for 20 s
//
// A client that both sends and consumes is a consumer.
type fate uint8

const (
	kept   fate = iota
	doomed      // breaks as soon as it is certain that the client is not accepted again: what waits stays unanswered
	ending      // breaks when nothing is in flight
	broken      // breaks when what was written has gone out
)

// keeps reports whether the client stays connected whatever happens to its broker.
func (c *connection) keeps() bool {
	return c.port.Role == messages.NameServerPort || len(c.beat.ConsumerGroups) > 0 && c.language != codec.Go
}

// breaksOnLoss reports whether what waits is better off with a broken connection than with an answer of ours.
func (c *connection) breaksOnLoss() bool {
	return !c.keeps() && c.beat.full != nil && c.language == codec.Java
}

// brokerLost ends the connections of clients that are to be refused. One whose upstream is open goes on.
func (c *connection) brokerLost(m *messages.BrokerLost) {
	if c.port.Broker != m.Broker || c.keeps() || !c.port.To.Away() || c.linkUp {
		return
	}
	if c.fate == doomed {
		c.breakOff()
		return
	}
	c.endWhenAnswered()
}

// endWhenAnswered ends the connection once nothing waits for an answer.
func (c *connection) endWhenAnswered() {
	if c.fate == kept {
		c.fate = ending
	}
	c.endIfDrained()
}

// brokerBack passes the news on.
func (c *connection) brokerBack(m *messages.BrokerBack) {
	if c.port.Broker == m.Broker && c.link.PID != nil {
		c.link.Deliver(m)
	}
}

// notifyAgain repeats what the broker said (40) when the replay made the client a member: that it should look at how
// the queues are shared out. A client that had not learned yet, from a name server, that the broker is back had no use
// for it, and would find the broker's queues only with its next own look, up to 20 s later. When its heartbeat comes
// to this broker, it knows.
func (c *connection) notifyAgain() {
	if !c.replayed {
		return
	}
	c.replayed = false
	for _, group := range c.beat.ConsumerGroups {
		push := codec.Command{Code: codec.ReqNotifyConsumerIDsChanged, Flag: codec.FlagOneway, Language: codec.Java,
			Version: codec.Version5_5_0, Ext: map[string]string{"consumerGroup": group}}
		c.hold = append(c.hold, push.Append(nil, codec.JSON))
	}
	if c.down == boundary {
		c.writeHeld()
	}
}

// breakOff ends the connection as soon as whole answers that were written before have gone out.
func (c *connection) breakOff() {
	c.fate = broken
	c.endIfDrained()
}

// undecided notes that the client of an upstream that was lost is to see a broken connection, and reports whether
// there is nothing to do but wait until its broker's port is closed: a client that comes back at once would have to be
// turned away again.
func (c *connection) undecided(m *messages.Lost, waiting int) bool {
	if m.Opened && waiting > 0 && c.breaksOnLoss() {
		c.fate = doomed
	}
	return c.fate == doomed && (m.Opened || m.Refused) && !c.port.To.Away()
}
