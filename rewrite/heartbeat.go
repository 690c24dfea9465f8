package rewrite

import "github.com/rocketmq-proxy/rocketmq-proxy/codec/jsonscan"

// Heartbeat is what matters to us of a HEART_BEAT body (HeartbeatData.java).
type Heartbeat struct {
	ClientID string
	// Short is the form that clients send once a broker has confirmed heartbeat V2: it has withoutSub=true and no
	// subscriptions, and replayed to a broker that was restarted it would register a consumer of nothing.
	Short bool
	// ConsumerGroups are those that the client is a member of.
	ConsumerGroups []string
}

// ReadHeartbeat reads a HEART_BEAT body. ok is false when it is malformed.
func ReadHeartbeat(body []byte) (h Heartbeat, ok bool) {
	b := newBody(body, "heartbeat")
	for _, key := range b.Members() {
		switch string(b.Contents(key)) {
		case "clientID":
			_, h.ClientID = b.string()
		case "withoutSub":
			v := b.Value()
			h.Short = v.Kind != jsonscan.Null && string(b.Contents(v)) != "false" // fastjson takes "true" and 1 for true
		case "consumerDataSet":
			h.ConsumerGroups = b.groupNames()
		default:
			b.Value()
		}
	}
	if b.End(); b.Failed() {
		return Heartbeat{}, false
	}
	return h, true
}

func (b *body) groupNames() (names []string) {
	for range b.elements() {
		if name := b.groupName(); name != "" {
			names = append(names, name)
		}
	}
	return names
}
