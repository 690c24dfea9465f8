package rewrite

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
	c := cursor{b: body, body: "heartbeat"}
	for _, key := range c.members() {
		switch string(c.text(key)) {
		case "clientID":
			_, h.ClientID = c.string()
		case "withoutSub":
			v := c.value()
			h.Short = v.kind != 'n' && string(c.text(v)) != "false" // fastjson takes "true" and 1 for true
		case "consumerDataSet":
			h.ConsumerGroups = c.groupNames()
		default:
			c.value()
		}
	}
	if c.done(); c.err != nil {
		return Heartbeat{}, false
	}
	return h, true
}

func (c *cursor) groupNames() (names []string) {
	if c.null() {
		return nil
	}
	for range c.elements() {
		for _, key := range c.members() {
			if string(c.text(key)) != "groupName" {
				c.value()
				continue
			}
			_, name := c.string()
			names = append(names, name)
		}
	}
	return names
}
