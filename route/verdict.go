package route

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Verdict is what happens to a request. The zero value relays it as it stands.
type Verdict struct {
	Action Action
	Reason Reason // of Refuse
	Code   int32  // of Refuse: the response code
	Remark string // of Refuse
	Topic  string // of LocalTopicRoute; of LocalClusterTopics a RocketMQ cluster
	Lead   *Lead  // of what is answered here: which clusters are asked; nil: the port's
	// On a one-port listener:
	Broker *BrokerID   // of Relay: which broker; nil: a name server
	Edit   *Edit       // of Relay: what changes in the header; nil: nothing
	FanOut *FanOut     // of FanOutTo
	Ask    *[]TopicKey // of AskTopics
}

// Action is the kind of a verdict.
type Action uint8

// The actions.
const (
	Relay              Action = iota // it goes on to the broker or name server that its port stands for
	LocalTopicRoute                  // answered from what is known of the cluster
	LocalClusterInfo                 // answered from what is known of the cluster
	LocalTopicList                   // answered with the topics of the clusters
	LocalClusterTopics               // answered with those of one RocketMQ cluster
	Refuse                           // answered with Code and Remark; a oneway request is dropped
	FanOutTo                         // it goes to several brokers, whose answers are joined
	AskTopics                        // the cluster is asked, Client.Learn told, and it is decided again; the client's next requests wait
)

// Reason is why a request is refused, for the statistics.
type Reason uint8

// The reasons.
const (
	NoReason        Reason = iota
	Draining               // the connection is to end, and the client knows GO_AWAY
	InMaintenance          // cluster.maintenance, cluster.maintenance_brokers, [[maintenance]]
	Registration           // what only brokers say to name servers
	ImpossibleTopic        // no topic can have that name
	Unsupported            // there is no name server that could answer
	NoBroker               // one port: no broker has the name that it says, or nobody knows which one
	Unnamed                // one port: it does not say which broker it is for
)

// Table is what decisions depend on beside the request. It is an immutable snapshot: whoever changes something makes
// another one, and a connection looks at one for a whole chunk. The zero value changes nothing.
type Table struct {
	Maintenance Maintenance
	Static      *Static  // nil: the cluster has name servers
	Rules       *Rules   // nil: the listener has one cluster
	OnePort     *OnePort // nil: the listener has a port per broker
}

// Arrival is where a request arrives.
type Arrival struct {
	NameServer bool     // on a name-server port
	OnePort    bool     // on the one port of a listener
	GoAway     bool     // the connection drains: clients that understand GO_AWAY are sent away
	Broker     BrokerID // of any other port
	Cluster    string   // of Broker: the proxy's name for it
	Client     *Client  // of OnePort
	Now        int64    // on the process clock, in nanoseconds
}

// maxTopic bounds the name of a topic in bytes: topics have at most 127 characters, retry topics some more than 255
// (TopicValidator.java#TOPIC_MAX_LENGTH, Validators.java#CHARACTER_MAX_LENGTH).
const maxTopic = 1024

// possible reports whether a topic can have that name. What cannot is neither asked for nor kept: clients may say whatever
// they like, and as many of it.
func possible[T string | []byte](topic T) bool {
	if len(topic) > maxTopic {
		return false
	}
	for i := range len(topic) {
		if topic[i] == 0 {
			return false
		}
	}
	return true
}

// Decide says what happens to a request. raw are the bytes of its header.
//
// On the port of one broker everything goes to that broker: the port names it, whatever the request says. A broker name
// inside may be stale (an asynchronous retry goes to another broker with the old name in it). On the one port of a listener
// the request has to name it; oneport_decide.go has the rules.
func Decide(t *Table, at Arrival, h *codec.Header, raw []byte) Verdict {
	switch {
	case at.GoAway && understandsGoAway(h):
		return Verdict{Action: Refuse, Reason: Draining, Code: codec.ResGoAway, Remark: goAwayRemark}
	case t.Maintenance.Covers(at.Broker.Name):
		return inMaintenance(at)
	case at.NameServer:
		return onNameServerPort(t, h, raw)
	case at.OnePort:
		return t.Maintenance.onOnePort(decideOnePort(t, at, h, raw), t.OnePort, at, h, raw)
	}
	return t.Maintenance.onBrokerPort(at, h, raw)
}

const goAwayRemark = "rocketmq-proxy: this proxy is going away; connect again to the same address"

// understandsGoAway tells whether 1500 helps. A client of 5.3.2 or later then opens a new connection to the same
// address, repeats the request there, and closes this one when its last answer has come (PROTOCOL.md I.3). Others
// would see an unknown code and fail, and a request without an answer that is not forwarded is lost without a trace.
func understandsGoAway(h *codec.Header) bool {
	return h.Version > codec.Version5_3_1 && h.ExpectsResponse()
}

// inMaintenance answers as if the broker were away: producers try another one at once, pulls come again after a second.
// A oneway request goes nowhere, as it would then.
func inMaintenance(at Arrival) Verdict {
	what := "this cluster"
	if !at.NameServer {
		what = fmt.Sprintf("broker %s, or its cluster,", at.Broker)
	}
	return Verdict{
		Action: Refuse, Reason: InMaintenance, Code: codec.ResServiceNotAvailable,
		Remark: "rocketmq-proxy: " + what + " is in maintenance (cluster.maintenance, cluster.maintenance_brokers)",
	}
}

// registrations are what brokers say to name servers, and what a client could do by it. A client that says it could make
// itself a broker of any topic.
var registrations = map[int32]string{
	codec.ReqRegisterBroker:       "it would announce a broker to all clients",
	codec.ReqUnregisterBroker:     "it would take a broker away from all clients",
	codec.ReqQueryDataVersion:     "it is part of a broker's registration",
	codec.ReqGetBrokerMemberGroup: "it shows a broker its real group, behind the proxy",
	codec.ReqBrokerHeartbeat:      "it would keep a broker alive that is not",
}

// onNameServerPort: routes name the proxy's addresses instead of the brokers', so they are answered here. Everything that
// is not named here is relayed, also codes nobody knows yet.
func onNameServerPort(t *Table, h *codec.Header, raw []byte) Verdict {
	switch h.Code {
	case codec.ReqGetRouteInfoByTopic:
		topic := h.ExtString(raw, "topic")
		if !possible(topic) {
			return Verdict{Action: Refuse, Reason: ImpossibleTopic, Code: codec.ResSystemError, Remark: "rocketmq-proxy: no topic can have that name"}
		}
		return Verdict{Action: LocalTopicRoute, Topic: topic, Lead: t.Rules.Route(topic, &Facts{Header: h, Raw: raw})}
	case codec.ReqGetBrokerClusterInfo:
		return Verdict{Action: LocalClusterInfo, Lead: t.Rules.Clusters()}
	case codec.ReqGetAllTopicListFromNameServer:
		if t.listsTopics() {
			return Verdict{Action: LocalTopicList, Lead: t.Rules.Clusters()}
		}
	case codec.ReqGetTopicsByCluster:
		if t.listsTopics() {
			return Verdict{Action: LocalClusterTopics, Topic: h.ExtString(raw, "cluster"), Lead: t.Rules.Clusters()}
		}
	}
	if why, ok := registrations[h.Code]; ok {
		return Verdict{Action: Refuse, Reason: Registration, Code: codec.ResNoPermission, Remark: fmt.Sprintf(
			"%s (%d) is refused on a port for clients: %s. Point the broker's namesrvAddr at a name server, not at the proxy",
			codec.RequestCodeName(h.Code), h.Code, why)}
	}
	if t.Static != nil {
		return withoutNameServer(h)
	}
	return Verdict{}
}

// listsTopics reports whether lists of topics are made here, because no single name server has them.
func (t *Table) listsTopics() bool { return t.Static != nil || t.Rules != nil }

// withoutNameServer answers what a static cluster cannot, as a name server of another version would.
func withoutNameServer(h *codec.Header) Verdict {
	return Verdict{Action: Refuse, Reason: Unsupported, Code: codec.ResRequestCodeNotSupported, Remark: fmt.Sprintf(
		"rocketmq-proxy: %s (%d) needs a name server, and this cluster has none ([[cluster.broker]])", codec.RequestCodeName(h.Code), h.Code)}
}
