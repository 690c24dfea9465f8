package route

// FullHeartbeat reads a HEART_BEAT body (HeartbeatData.java). full is false for the short form that clients send once
// a broker has confirmed heartbeat V2: it has withoutSub=true and no subscriptions, and replayed to a broker that was
// restarted it would register a consumer of nothing. A malformed body is not full.
func FullHeartbeat(body []byte) (clientID string, full bool) {
	c := cursor{b: body, body: "heartbeat"}
	short := false
	for _, key := range c.members() {
		switch string(c.text(key)) {
		case "clientID":
			_, clientID = c.string()
		case "withoutSub":
			v := c.value()
			short = v.kind != 'n' && string(c.text(v)) != "false" // fastjson takes "true" and 1 for true
		default:
			c.value()
		}
	}
	if c.done(); c.err != nil {
		return "", false
	}
	return clientID, !short
}
