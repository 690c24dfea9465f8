package translate

import "github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"

// What a proxy itself has to refuse.

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

// Failed is that the proxy has failed.
func Failed() error {
	return refuse(pb.Code_INTERNAL_SERVER_ERROR, "the proxy has failed on this request; its log says more")
}

// NoRoute is that name servers do not say where a topic is.
func NoRoute(topic, reason string) error {
	return refuse(pb.Code_INTERNAL_SERVER_ERROR, "cannot find out where topic %s is: %s", topic, reason)
}

// NoReadableQueue is why nothing can be received of a topic.
func NoReadableQueue(topic string) error {
	return refuse(pb.Code_FORBIDDEN, "topic %s has no queue that can be read from", topic)
}

// NoWritableQueue is why nothing can be sent to a topic.
func NoWritableQueue(topic string) error {
	return refuse(pb.Code_FORBIDDEN, "topic %s has no queue that can be written to", topic)
}

// TopicNotFound is that name servers do not know a topic.
func TopicNotFound(topic string) error {
	return refuse(pb.Code_TOPIC_NOT_FOUND, "topic %s does not exist", topic)
}

// NothingYet is that a poll ends before its time because the proxy ends.
func NothingYet() error {
	return refuse(pb.Code_MESSAGE_NOT_FOUND, "the proxy ends, and nothing has come yet")
}

// NoMatch is that nothing of what a broker has popped is for the client.
func NoMatch() error {
	return refuse(pb.Code_MESSAGE_NOT_FOUND, "no matching message")
}
