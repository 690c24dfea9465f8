package route

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Action is what happens to a request.
type Action int

// The actions.
const (
	Relay              Action = iota // goes on as it stands
	AnswerTopicRoute                 // answered from what is known of the cluster
	AnswerClusterInfo                // answered from what is known of the cluster
	RefuseRegistration               // answered with a refusal, see RefusalRemark
)

func (a Action) String() string {
	switch a {
	case AnswerTopicRoute:
		return "answer topic route"
	case AnswerClusterInfo:
		return "answer cluster info"
	case RefuseRegistration:
		return "refuse registration"
	default:
		return "relay"
	}
}

// nameServerRules are the exceptions on a name-server port. Everything else is relayed, also codes nobody knows yet.
var nameServerRules = map[int32]struct {
	action Action
	why    string
}{
	codec.ReqGetRouteInfoByTopic:  {AnswerTopicRoute, "the brokers' addresses in it are replaced by the proxy's"},
	codec.ReqGetBrokerClusterInfo: {AnswerClusterInfo, "the brokers' addresses in it are replaced by the proxy's"},

	// What brokers say to name servers. A client that says it could make itself a broker of any topic.
	codec.ReqRegisterBroker:       {RefuseRegistration, "it would announce a broker to all clients"},
	codec.ReqUnregisterBroker:     {RefuseRegistration, "it would take a broker away from all clients"},
	codec.ReqQueryDataVersion:     {RefuseRegistration, "it is part of a broker's registration"},
	codec.ReqGetBrokerMemberGroup: {RefuseRegistration, "it shows a broker its real group, behind the proxy"},
	codec.ReqBrokerHeartbeat:      {RefuseRegistration, "it would keep a broker alive that is not"},
}

// OnNameServerPort decides about a request on a listener's name-server port.
func OnNameServerPort(code int32) Action { return nameServerRules[code].action }

// OnBrokerPort decides about a request on the port of one broker. Everything goes there: the port names the broker,
// whatever the request says. A broker name inside may be stale (an asynchronous retry goes to another broker with the
// old name in it).
func OnBrokerPort(code int32) Action { return Relay }

// RefusalRemark tells a refused peer why, and what to do instead. "" when the code is not refused.
func RefusalRemark(code int32) string {
	rule, ok := nameServerRules[code]
	if !ok || rule.action != RefuseRegistration {
		return ""
	}
	return fmt.Sprintf("%s (%d) is refused on a port for clients: %s. Point the broker's namesrvAddr at a name server, not at the proxy",
		codec.RequestCodeName(code), code, rule.why)
}
