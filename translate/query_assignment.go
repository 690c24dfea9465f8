package translate

import "github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"

// QueryAssignment answers a QueryAssignment: each broker that can be read from once, and for an ordered group each of its
// queues, as their number is how many queues the client works on at a time.
func QueryAssignment(topic *pb.Resource, r *Route, g Group, at *pb.Endpoints) *pb.QueryAssignmentResponse {
	answer := &pb.QueryAssignmentResponse{Status: OK()}
	for _, broker := range r.Readable() {
		b := &pb.Broker{Name: broker, Endpoints: at}
		entry := func(queue int) {
			q := &pb.MessageQueue{Topic: topic, Id: int32(queue), Permission: pb.Permission_READ, Broker: b}
			answer.Assignments = append(answer.Assignments, &pb.Assignment{MessageQueue: q})
		}
		if !g.Orderly {
			entry(-1)
			continue
		}
		for id := range r.ReadQueues(broker) {
			entry(id)
		}
	}
	if len(answer.Assignments) == 0 {
		answer.Status = StatusOf(NoReadableQueue(topic.GetName()))
	}
	return answer
}
