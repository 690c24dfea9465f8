package route

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// heartbeat goes to every broker that the client has a link to, and to those of the topics that it subscribes.
func (r *onePort) heartbeat() (Verdict, bool) {
	targets := slices.Clone(r.client.Linked)
	var ask []TopicKey
	for _, topic := range subscribed(r.client.Body, r.mostTopics()) {
		having, v, ok := r.having(topic)
		if v.Action == AskTopics {
			ask = append(ask, *v.Ask...)
		}
		for _, p := range having {
			if ok && !p.master.down() {
				targets = append(targets, p.master.BrokerID)
			}
		}
	}
	if len(ask) > 0 {
		return Verdict{Action: AskTopics, Ask: &ask}, true
	}
	return members(OfHeartbeats, targets), true
}

// unregister goes to every broker that the client has a link to: the others do not know it.
func (r *onePort) unregister() (Verdict, bool) {
	return members(FirstSuccess, slices.Clone(r.client.Linked)), true
}

func members(join Join, targets []BrokerID) Verdict {
	slices.SortFunc(targets, BrokerID.Compare)
	return Verdict{Action: FanOutTo, FanOut: &FanOut{Targets: slices.Compact(targets), Join: join}}
}

// asMember is for requests that a broker answers from the heartbeats of the client: any that has one will do.
func (r *onePort) asMember() (Verdict, bool) {
	var having []*brokerProcess
	topics := r.topics()
	if r.h.Code != codec.ReqGetConsumerListByGroup && len(topics) > 0 {
		list, v, ok := r.having(topics[0])
		if !ok {
			return v, true
		}
		having = list
	}
	var best *brokerProcess
	for _, id := range r.client.Member {
		p := r.o.names[id.Name]
		switch {
		case p == nil || p.master.BrokerID != id || p.master.down():
		case r.h.Code != codec.ReqGetConsumerListByGroup && !slices.Contains(having, p):
		case best == nil || id.Compare(best.master.BrokerID) < 0:
			best = p
		}
	}
	if best == nil {
		return r.onlyBroker()
	}
	return r.to(best), true
}
