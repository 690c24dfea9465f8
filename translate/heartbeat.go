package translate

import "github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"

// Heartbeat answers a Heartbeat: no settings have to have come before it.
func Heartbeat() *pb.HeartbeatResponse { return &pb.HeartbeatResponse{Status: OK()} }

// Termination answers a NotifyClientTermination.
func Termination() *pb.NotifyClientTerminationResponse {
	return &pb.NotifyClientTerminationResponse{Status: OK()}
}
