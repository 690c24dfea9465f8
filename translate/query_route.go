package translate

import (
	"encoding/json"
	"net"
	"net/netip"
	"strconv"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// QueryRoute answers a QueryRoute. attribute is the topic's message.type; at are the endpoints that clients are told.
func QueryRoute(topic *pb.Resource, r *Route, attribute string, at *pb.Endpoints) *pb.QueryRouteResponse {
	return &pb.QueryRouteResponse{Status: OK(), MessageQueues: r.queues(topic, Accepts(attribute), at)}
}

// Accepts are the types of messages that a topic takes, by its attribute message.type. One that is not known takes all that
// an SDK may want to send: it refuses by itself to send anything to a topic of an unspecified type.
func Accepts(attribute string) []pb.MessageType {
	switch attribute {
	case "MIXED":
		return []pb.MessageType{pb.MessageType_NORMAL, pb.MessageType_FIFO, pb.MessageType_DELAY, pb.MessageType_TRANSACTION}
	case "":
		return []pb.MessageType{pb.MessageType_NORMAL, pb.MessageType_FIFO, pb.MessageType_DELAY, pb.MessageType_TRANSACTION, pb.MessageType_PRIORITY}
	}
	if kind, ok := pb.MessageType_value[attribute]; ok {
		return []pb.MessageType{pb.MessageType(kind)}
	}
	return Accepts("")
}

// TopicType asks a broker for a topic's configuration.
func TopicType(topic string) *codec.Command {
	return command(codec.ReqGetTopicConfig, map[string]string{"topic": topic})
}

// ReadTopicType reads the answer: the attribute message.type, NORMAL where there is none, "" when the answer does not say.
func ReadTopicType(answer *codec.Command) string {
	if answer.Code != codec.ResSuccess {
		return ""
	}
	var c struct{ Attributes map[string]string }
	if json.Unmarshal(answer.Body, &c) != nil {
		return ""
	}
	return firstOf(c.Attributes["message.type"], pb.MessageType_NORMAL.String())
}

// Endpoints are what clients are told to connect to: what is configured, else what the client wrote itself, as SDKs compare
// the text with it; else the authority of its connection, or the address that it has reached.
func Endpoints(advertise string, asked *pb.Endpoints, authority string, local netip.AddrPort) *pb.Endpoints {
	if e := endpointsOf(advertise); e != nil {
		return e
	}
	if len(asked.GetAddresses()) > 0 {
		return asked
	}
	if e := endpointsOf(authority); e != nil {
		return e
	}
	return endpointsOf(local.String())
}

func endpointsOf(address string) *pb.Endpoints {
	host, text, err := net.SplitHostPort(address)
	port, err2 := strconv.ParseUint(text, 10, 16)
	if err != nil || err2 != nil || host == "" {
		return nil
	}
	e := &pb.Endpoints{Scheme: pb.AddressScheme_DOMAIN_NAME, Addresses: []*pb.Address{{Host: host, Port: int32(port)}}}
	if a, err := netip.ParseAddr(host); err == nil {
		if e.Scheme = pb.AddressScheme_IPv6; a.Unmap().Is4() {
			e.Scheme, e.Addresses[0].Host = pb.AddressScheme_IPv4, a.Unmap().String()
		}
	}
	return e
}
