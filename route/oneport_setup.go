package route

import (
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// setsUp tells requests that set up topics and groups, which tools send to each master.
func setsUp(code int32) bool {
	switch code {
	case codec.ReqUpdateAndCreateTopic, codec.ReqUpdateAndCreateTopicList, codec.ReqDeleteTopicInBroker, codec.ReqSetMessageRequestMode:
		return true
	}
	return setsUpGroup(code)
}

func setsUpGroup(code int32) bool {
	switch code {
	case codec.ReqUpdateAndCreateSubscriptionGroup, codec.ReqDeleteSubscriptionGroup, codec.ReqUpdateAndCreateSubscriptionGroupList:
		return true
	}
	return false
}

// setUp sends what sets up topics to every master of the cluster that the topic's route names, and what sets up groups to
// those of all clusters. While one of them is down nothing is set up anywhere.
func (r *onePort) setUp() (Verdict, bool) {
	clusters, ok := r.setUpClusters()
	if !ok {
		return r.unsaid("the topics of %s belong to several clusters; send those of one cluster at a time", r.request()), true
	}
	masters := r.o.masters(clusters)
	if len(masters) == 0 {
		return Verdict{}, false
	}
	for _, p := range masters {
		if p.master.down() {
			return noBroker("broker %q is down, so nothing was set up", p.master.Name), true
		}
	}
	return fanOut(ErrorWins, masters), true
}

func (r *onePort) setUpClusters() (clusters []string, ok bool) {
	if setsUpGroup(r.h.Code) {
		return r.o.Clusters, true
	}
	topics := r.topics()
	if len(topics) == 0 {
		return r.setUpIn(""), true
	}
	clusters = r.setUpIn(topics[0])
	for _, topic := range topics[1:] {
		if !slices.Equal(clusters, r.setUpIn(topic)) {
			return nil, false
		}
	}
	return clusters, true
}

// setUpIn are the clusters in which a topic is set up: not those that are only drained.
func (r *onePort) setUpIn(topic string) []string {
	clusters := r.clustersOf(topic)
	if !GroupTopic(topic) {
		clusters = clusters[:min(len(clusters), 1)]
	}
	return clusters
}

func fanOut(join Join, targets []*brokerProcess) Verdict {
	f := &FanOut{Join: join}
	for _, p := range targets {
		f.Targets = append(f.Targets, p.master.BrokerID)
	}
	return Verdict{Action: FanOutTo, FanOut: f}
}
