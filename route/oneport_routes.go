package route

// parts are where a topic leads by all that a request says which names no broker.
func (r *onePort) parts(topic string) []Part {
	return r.partsOf(topic, r.t.Rules.Request(topic, &Facts{Header: r.h, Raw: r.raw}))
}

// clustersOf are the clusters whose queues of a topic the client is shown, the one that producers use first.
func (r *onePort) clustersOf(topic string) (names []string) {
	for _, p := range r.partsOf(topic, r.t.Rules.Route(topic, &Facts{Header: r.h, Raw: r.raw})) {
		names = append(names, p.Cluster)
	}
	return names
}

// partsOf are those of a lead. Without rules topics of groups lead to all clusters, and others to the listener's own.
func (r *onePort) partsOf(topic string, lead *Lead) (parts []Part) {
	if lead != nil {
		return lead.Parts
	}
	for _, cluster := range r.o.Clusters {
		if parts = append(parts, Part{Cluster: cluster}); !GroupTopic(topic) {
			break
		}
	}
	return parts
}
