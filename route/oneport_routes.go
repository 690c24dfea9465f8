package route

// parts are where a topic leads by all that a request says which names no broker.
func (r *onePort) parts(topic string) []Part {
	if r.t.Rules == nil {
		return r.withoutRules(topic)
	}
	return r.t.Rules.Request([]byte(topic), &Facts{Header: r.h, Raw: r.raw}).Parts
}

// clustersOf are the clusters whose queues of a topic the client is shown, the one that producers use first.
func (r *onePort) clustersOf(topic string) (names []string) {
	parts := r.withoutRules(topic)
	if r.t.Rules != nil {
		parts = r.t.Rules.Route(topic, &Facts{Header: r.h, Raw: r.raw}).Parts
	}
	for i := range parts {
		names = append(names, parts[i].Cluster)
	}
	return names
}

// withoutRules leads topics of groups to all clusters, and others to the listener's own.
func (r *onePort) withoutRules(topic string) (parts []Part) {
	for _, cluster := range r.o.Clusters {
		if parts = append(parts, Part{Cluster: cluster}); !GroupTopic(topic) {
			break
		}
	}
	return parts
}
