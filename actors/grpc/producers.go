package grpc

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// producers are the topics whose half messages a broker may ask back about over a link. Each is a producer group there.
type producers struct{ topics map[string]bool }

// maxProducers bounds the topics of one link; a broker asks about those of others over other proxies' links, or ours when
// they send again.
const maxProducers = 10_000

// add notes a topic and reports whether it is a new one.
func (p *producers) add(topic string) bool {
	if p.topics[topic] || len(p.topics) >= maxProducers {
		return false
	}
	if p.topics == nil {
		p.topics = map[string]bool{}
	}
	p.topics[topic] = true
	return true
}

// groupsPerHeartbeat bounds one heartbeat.
const groupsPerHeartbeat = 100

// heartbeats register the proxy at a broker (34, HeartbeatData.java): at least one, which keeps the connection.
func (p *producers) heartbeats(clientID string) (all []*codec.Command) {
	type group struct {
		GroupName string `json:"groupName"`
	}
	var groups []group
	for _, t := range slices.Sorted(maps.Keys(p.topics)) {
		groups = append(groups, group{t})
	}
	for first := true; first || len(groups) > 0; first = false {
		n := min(len(groups), groupsPerHeartbeat)
		body, _ := json.Marshal(map[string]any{
			"clientID": clientID, "producerDataSet": append([]group{}, groups[:n]...), "consumerDataSet": []group{},
		})
		groups = groups[n:]
		all = append(all, &codec.Command{Code: codec.ReqHeartBeat, Language: codec.Go, Version: codec.Version5_5_0, Body: body})
	}
	return all
}

// beat sends the heartbeats of a link. Nobody waits for their answers.
func (l *link) beat() {
	l.beaten = l.Env.Now()
	for _, c := range l.producers.heartbeats("rmq-go-proxy@" + l.Env.System.ID) {
		l.opaque++
		c.Opaque = l.opaque
		l.write(c)
	}
}
