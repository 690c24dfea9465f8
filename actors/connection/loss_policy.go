package connection

import (
	"fmt"

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

// keeps reports whether the client stays connected whatever happens to its broker.
func (c *connection) keeps() bool {
	return !c.port.Role.OfBroker() || c.heartbeat.consumer && c.in.language != codec.Go
}

// breaksOnLoss reports whether requests in flight are better off with a broken connection than with a local reply.
func (c *connection) breaksOnLoss() bool {
	return !c.keeps() && c.heartbeat.full != nil && c.in.language == codec.Java
}

// brokerLost ends the connections of clients that are to be refused. One whose upstream is open goes on.
func (c *connection) brokerLost(m *messages.BrokerLost) {
	if !c.serves(m.BrokerRef) || c.keeps() || !c.port.To.Away() || c.links.solo.isUp() {
		return
	}
	if c.life.resetOnLoss {
		c.life.abort()
		return
	}
	c.life.closeWhenIdle()
}

// serves reports whether its port stands for a broker.
func (c *connection) serves(ref messages.BrokerRef) bool {
	return c.port.Role.OfBroker() && c.port.Broker == ref.Broker && c.port.Cluster == ref.Cluster
}

// clusterOf is the name of the cluster that a link leads to; nil: the port's own.
func (c *connection) clusterOf(l *link) string {
	if m := c.links.many; m != nil && l != nil {
		return m.list[l.number].cluster
	}
	return c.port.Cluster
}

// toCluster sends a message to the actor of a cluster, and reports whether there is one: a reload may have taken it away.
func (c *connection) toCluster(name string, m any) bool {
	pid := c.port.ClusterActor(name)
	if pid != nil {
		c.ctx.Send(pid, m)
	}
	return pid != nil
}

// toUpstream passes on what became of a broker: its upstream dials again, or at another address.
func (c *connection) toUpstream(ref messages.BrokerRef, m any) {
	if l := c.linkTo(ref); l != nil && l.exists() {
		l.upstream.Deliver(m)
	}
}

// notifyAgain repeats what the broker said (40) when the replay made the client a member: that it should look at how
// the queues are shared out. A client that had not learned yet, from a name server, that the broker is back had no use
// for it, and would find the broker's queues only with its next own look, up to 20 s later. When its heartbeat comes
// to this broker, it knows.
func (c *connection) notifyAgain() {
	if !c.heartbeat.takeReplayed() {
		return
	}
	for _, group := range c.heartbeat.groups {
		push := codec.Command{
			Code: codec.ReqNotifyConsumerIDsChanged, Flag: codec.FlagOneway, Language: codec.Java,
			Version: codec.Version5_5_0, Ext: map[string]string{"consumerGroup": group},
		}
		c.out.reply(push.Append(nil, codec.JSON))
	}
}

// undecided notes that the client of an upstream that was lost is to see a broken connection, and reports whether
// there is nothing to do but wait until its broker's port is closed: a client that connects again at once would have to be
// rejected again.
func (c *connection) undecided(m *messages.Lost, waiting int) bool {
	if m.Opened && waiting > 0 && c.breaksOnLoss() {
		c.life.resetOnLoss = true
	}
	return c.life.resetOnLoss && (m.Opened || m.Refused) && !c.port.To.Away() && !c.paused(&c.links.solo) // whose port stays open
}

// lost takes the end of the upstream, after what the upstream sent before it.
func (c *connection) lost(m *messages.Lost) {
	if l := c.links.of(m.Epoch); l != nil && !c.out.defers(delivery{link: l, lost: m}) {
		c.lose(l, m)
	}
}

// lose answers what the upstream will no longer answer, keeps the client or lets it go, and begins the next epoch.
func (c *connection) lose(l *link, m *messages.Lost) {
	l.down(m.Upstream)
	c.noteLoss(m)
	if c.links.leading() == l {
		c.in.lose()
	}
	if c.out.torn(l) {
		c.env.Log.Info("upstream lost in the middle of an answer", append(c.facts(), "upstream", m.Upstream, "reason", m.Reason)...)
		c.life.abort()
		return
	}
	c.out.lose(l)
	c.partCut(l)
	waiting := c.flight.relayed(l.number)
	switch {
	case c.undecided(m, len(waiting)):
	case c.life.resetOnLoss:
		c.life.abort()
		return
	default:
		c.answerLost(m, waiting)
	}
	c.env.Log.Debug("upstream lost", append(c.facts(), "upstream", m.Upstream, "reason", m.Reason, "waiting", len(waiting))...)
	c.linked()
	c.toCluster(c.clusterOf(l), &messages.Refresh{})
	c.resume(l, &messages.Resume{Heartbeat: c.replayOn(l), Redial: len(waiting) > 0})
	if !c.keeps() && !c.life.resetOnLoss && c.port.To.Away() {
		c.life.closeWhenIdle()
	}
}

// noteLoss counts a loss, and logs it if the upstream sent something malformed.
func (c *connection) noteLoss(m *messages.Lost) {
	if m.Opened {
		c.samples.add(messages.Sample{Kind: messages.UpstreamLost})
	}
	if m.Malformed == nil {
		return
	}
	c.samples.add(messages.Sample{Kind: messages.ResponseMalformed})
	looks := c.env.Rejections.Malformed(m.Malformed)
	if line, ok := c.env.Malformed.Allow(c.env.Now(), append(c.facts(), "upstream", m.Upstream, "reason", m.Malformed.Reason, "looks_like", looks)...); ok {
		c.env.Log.Warn("malformed frame from upstream", line...)
	}
}

// answerLost answers what the upstream will no longer answer.
func (c *connection) answerLost(m *messages.Lost, waiting []*messages.Exchange) {
	for _, x := range waiting {
		if x.Tombstone {
			c.flight.remove(x)
			c.partLost(x)
			continue
		}
		c.unrelay(x)
		c.reply(x, codec.ResServiceNotAvailable, lostRemark(m.Upstream, m.Reason), nil)
	}
}

// unrelay notes that what a request was relayed to is gone: no late answer can come.
func (c *connection) unrelay(x *messages.Exchange) {
	c.links.at(int(x.Link)).bulk.remove(x)
	x.Relayed = false
}

// lostRemark is the remark of a local reply to a request whose upstream was lost.
func lostRemark(upstream, reason string) string {
	return fmt.Sprintf("rocketmq-proxy: cannot reach %s: %s", upstream, reason)
}
