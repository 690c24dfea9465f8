package route

import (
	"fmt"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// nameServerCodes are requests that name servers answer, and nobody else.
var nameServerCodes = map[int32]bool{
	codec.ReqPutKVConfig: true, codec.ReqGetKVConfig: true, codec.ReqDeleteKVConfig: true, codec.ReqGetKVListByNamespace: true,
	codec.ReqRegisterBroker: true, codec.ReqUnregisterBroker: true, codec.ReqQueryDataVersion: true,
	codec.ReqGetBrokerMemberGroup: true, codec.ReqBrokerHeartbeat: true,
	codec.ReqGetRouteInfoByTopic: true, codec.ReqGetBrokerClusterInfo: true,
	codec.ReqGetAllTopicListFromNameServer: true, codec.ReqGetTopicsByCluster: true, codec.ReqGetSystemTopicListFromNS: true,
	codec.ReqGetUnitTopicList: true, codec.ReqGetHasUnitSubTopicList: true, codec.ReqGetHasUnitSubUnunitTopicList: true,
	codec.ReqDeleteTopicInNamesrv: true, codec.ReqRegisterTopicInNamesrv: true,
	codec.ReqWipeWritePermOfBroker: true, codec.ReqAddWritePermOfBroker: true,
	codec.ReqUpdateNamesrvConfig: true, codec.ReqGetNamesrvConfig: true,
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

var (
	noOnePort OnePort
	noClient  Client
)

// decideOnePort says which broker a request is for: name-server codes go where they go on every name-server port, and
// for the others the first rule that applies says it.
func decideOnePort(t *Table, at Arrival, h *codec.Header, raw []byte) Verdict {
	if nameServerCodes[h.Code] {
		return onNameServerPort(t, h, raw)
	}
	r := onePort{t: t, o: t.OnePort, client: at.Client, h: h, raw: raw}
	if r.o == nil {
		r.o = &noOnePort
	}
	if r.client == nil {
		r.client = &noClient
	}
	if v, ok := r.named(); ok {
		return v
	}
	return r.unnamed()
}

func (r *onePort) unnamed() Verdict {
	if v, ok := r.byKind(); ok {
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
	if r.o.only != nil {
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

// having are the brokers that have a topic, in the order of their names, as routes show them; ok is false when the
// cluster must be asked first, which v says. An empty name is that of no topic.
func (r *onePort) having(topic string) (list []*brokerProcess, v Verdict, ok bool) {
	if topic == "" {
		return nil, v, true
	}
	var ask []TopicKey
	for _, cluster := range r.o.clustersOf(topic) {
		key := TopicKey{cluster, topic}
		known := r.client.topic(cluster, []byte(topic))
		switch {
		case known == nil:
			ask = append(ask, key)
		case known.Unknown:
			return nil, r.cannotTell(topic), false
		default:
			for _, b := range known.Brokers {
				if p := r.o.names[b.Name]; p != nil && !slices.Contains(list, p) {
					list = append(list, p)
				}
			}
		}
	}
	if len(ask) > 0 {
		return nil, Verdict{Action: AskTopics, Ask: &ask}, false
	}
	slices.SortFunc(list, func(a, b *brokerProcess) int { return a.master.Compare(b.master.BrokerID) })
	return list, v, true
}

// clustersOf are the clusters whose queues of a topic clients are shown.
func (o *OnePort) clustersOf(topic string) []string {
	if ofGroup(topic) {
		return o.Clusters
	}
	return o.Clusters[:min(len(o.Clusters), 1)]
}

// cannotTell answers for a topic whose brokers are not known, as a broker would that is starting: the client tries again.
func (r *onePort) cannotTell(topic string) Verdict {
	return Verdict{
		Action: Refuse, Reason: NoBroker, Code: codec.ResServiceNotAvailable,
		Remark: fmt.Sprintf("rocketmq-proxy: cannot tell which broker has topic %q: no name server answers", shorten(topic)),
	}
}
