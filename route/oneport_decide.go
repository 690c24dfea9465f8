package route

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// forNameServer tells requests that name servers answer, and nobody else.
func forNameServer(code int32) bool {
	switch code {
	case codec.ReqPutKVConfig, codec.ReqGetKVConfig, codec.ReqDeleteKVConfig, codec.ReqGetKVListByNamespace,
		codec.ReqRegisterBroker, codec.ReqUnregisterBroker, codec.ReqQueryDataVersion, codec.ReqGetBrokerMemberGroup, codec.ReqBrokerHeartbeat,
		codec.ReqGetRouteInfoByTopic, codec.ReqGetBrokerClusterInfo, codec.ReqGetAllTopicListFromNameServer, codec.ReqGetTopicsByCluster,
		codec.ReqGetSystemTopicListFromNS, codec.ReqGetUnitTopicList, codec.ReqGetHasUnitSubTopicList, codec.ReqGetHasUnitSubUnunitTopicList,
		codec.ReqDeleteTopicInNamesrv, codec.ReqRegisterTopicInNamesrv, codec.ReqWipeWritePermOfBroker, codec.ReqAddWritePermOfBroker,
		codec.ReqUpdateNamesrvConfig, codec.ReqGetNamesrvConfig:
		return true
	}
	return false
}

// FanOut are the brokers that one request goes to, and what their answers are joined into. With no target the join is
// the answer at once.
type FanOut struct {
	Targets []BrokerID
	Join    Join
}

// onePort is one request on a one-port listener. Its methods are the rules, each of which says whether it applies.
type onePort struct {
	t      *Table
	o      *OnePort
	client *Client
	h      *codec.Header
	raw    []byte
}

var noOnePort OnePort

// decideOnePort says which broker a request is for: name-server codes go where they go on every name-server port, and
// for the others the first rule that applies says it.
func decideOnePort(t *Table, at Arrival, h *codec.Header, raw []byte) Verdict {
	if forNameServer(h.Code) {
		return onNameServerPort(t, h, raw)
	}
	r := onePort{t: t, o: t.OnePort, client: at.Client, h: h, raw: raw}
	if r.o == nil {
		r.o = &noOnePort
	}
	if r.client == nil {
		r.client = &Client{}
	}
	r.client.counted = counted{}
	if r.o.Balance {
		return r.inEnvoysDialect()
	}
	return r.decide()
}

func (r *onePort) decide() Verdict {
	if v, ok := r.named(); ok {
		return v
	}
	return r.unnamed()
}

func (r *onePort) unnamed() Verdict {
	if v, ok := r.byKind(); ok {
		return v
	}
	if v, ok := r.balance(); ok {
		return v
	}
	return r.refuse()
}

// byKind has the rules for requests that name no broker.
func (r *onePort) byKind() (Verdict, bool) {
	switch r.h.Code {
	case codec.ReqViewMessageByID:
		return r.everywhere()
	case codec.ReqQueryMessage:
		return r.inTurn()
	case codec.ReqHeartBeat:
		return r.heartbeat()
	case codec.ReqUnregisterClient:
		return r.unregister()
	case codec.ReqGetConsumerListByGroup, codec.ReqCheckClientConfig, codec.ReqQueryAssignment:
		return r.asMember()
	}
	if setsUp(r.h.Code) {
		return r.setUp()
	}
	return r.onlyBroker()
}

// to relays a request to a broker.
func (r *onePort) to(p *brokerProcess) Verdict {
	b := p.process(r.h.Code)
	if r.t.Maintenance.Covers(b.Name) {
		return inMaintenance(Arrival{Broker: b.BrokerID})
	}
	return Verdict{Broker: &b.BrokerID}
}

// onlyBroker is for requests that can be for one broker only: the one that has the topic, or the only one of the listener.
func (r *onePort) onlyBroker() (Verdict, bool) {
	if r.o.only != nil && r.mayHave(r.o.only) {
		return r.to(r.o.only), true
	}
	having, v, ok := r.having(r.topic())
	if !ok {
		return v, true
	}
	if len(having) != 1 {
		return Verdict{}, false
	}
	return r.to(having[0]), true
}

// mayHave reports that a request's topic leads to a broker. Of several clusters the others may have no broker now, or none
// that is known yet: one that the topic does not lead to would create it, and keep messages that nobody looks for there.
func (r *onePort) mayHave(b *brokerProcess) bool {
	topic := r.topic()
	if len(r.o.Clusters) == 1 || topic == "" {
		return true
	}
	return slices.ContainsFunc(r.parts(topic), func(p Part) bool {
		return p.Cluster == b.master.Of && p.Show(b.master.Name) != ShowNothing
	})
}

// having are the brokers that have a topic, in the order of their names, as routes show them; ok is false when the
// cluster must be asked first, which v says. An empty name is that of no topic.
func (r *onePort) having(topic string) (list []*brokerProcess, v Verdict, ok bool) {
	return r.brokersOf(topic, func(p *Part, b TopicBroker) bool { return p.Show(b.Name) != ShowNothing })
}

// writable is having for the brokers that producers are shown.
func (r *onePort) writable(topic string) (list []*brokerProcess, v Verdict, ok bool) {
	return r.brokersOf(topic, func(p *Part, b TopicBroker) bool { return b.Writable && p.Show(b.Name) == ShowAll })
}

func (r *onePort) brokersOf(topic string, take func(*Part, TopicBroker) bool) (list []*brokerProcess, v Verdict, ok bool) {
	if topic == "" {
		return nil, v, true
	}
	var unknown []TopicKey
	parts := r.parts(topic)
	for i := range parts {
		switch known := r.client.topic(parts[i].Cluster, []byte(topic)); {
		case known == nil:
			unknown = append(unknown, TopicKey{parts[i].Cluster, topic})
		case known.Unknown:
			return nil, r.cannotTell(topic), false
		default:
			for _, b := range known.Brokers {
				if p := r.o.names[b.Name]; p != nil && take(&parts[i], b) && !slices.Contains(list, p) {
					list = append(list, p)
				}
			}
		}
	}
	if len(unknown) > 0 {
		return nil, ask(unknown...), false
	}
	slices.SortFunc(list, func(a, b *brokerProcess) int { return a.master.Compare(b.master.BrokerID) })
	return list, v, true
}

// cannotTell answers for a topic whose brokers are not known, as a broker would that is starting: the client tries again.
func (r *onePort) cannotTell(topic string) Verdict {
	return noBroker("cannot tell which broker has topic %q: no name server answers", shorten(topic))
}
