package translate

import "github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"

// Heartbeat answers a Heartbeat: no settings have to have come before it.
func Heartbeat() *pb.HeartbeatResponse { return &pb.HeartbeatResponse{Status: OK()} }

// Termination answers a NotifyClientTermination.
func Termination() *pb.NotifyClientTerminationResponse {
	return &pb.NotifyClientTerminationResponse{Status: OK()}
}

// NoClientID is why a call without the header x-mq-client-id is not served.
func NoClientID() error {
	return refuse(pb.Code_CLIENT_ID_REQUIRED, "the header x-mq-client-id is missing")
}

// NoLiteTopics is why subscriptions to lite topics are not served.
func NoLiteTopics() error {
	return refuse(pb.Code_NOT_IMPLEMENTED, "lite topics are not supported")
}

// TooOld is why a broker without pop cannot be received from.
func TooOld(broker string) error {
	return refuse(pb.Code_VERSION_UNSUPPORTED, "broker %s is older than 5.0 and has no pop: only producers can use it", broker)
}

// Timeout is that a broker has not answered in time.
func Timeout(broker string) error {
	return refuse(pb.Code_PROXY_TIMEOUT, "broker %s has not answered in time", broker)
}

// Lost is that the connection to a broker has ended before its answer.
func Lost(broker, reason string) error {
	return refuse(pb.Code_INTERNAL_SERVER_ERROR, "the connection to broker %s was lost: %s", broker, reason)
}

// UnknownBroker is that a handle or an id names a broker which is not known.
func UnknownBroker(broker string) error {
	return refuse(pb.Code_INTERNAL_SERVER_ERROR, "broker %s is not known", broker)
}

// Unreadable is why a request that is not a protobuf message of its call is not served.
func Unreadable(err error) error {
	return refuse(pb.Code_BAD_REQUEST, "cannot read the request: %v", err)
}
