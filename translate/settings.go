package translate

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// Client is what a client's Settings say of it.
type Client struct {
	Type   pb.ClientType
	Topics []string // of a producer
	Group  string   // of a consumer, with the topics that it has Subscribed to
	said   *pb.Settings

	Subscribed []string
}

// ReadSettings validates Settings.
func ReadSettings(s *pb.Settings, n Names) (*Client, error) {
	c := &Client{Type: s.GetClientType(), said: s}
	switch c.Type {
	case pb.ClientType_PULL_CONSUMER, pb.ClientType_LITE_PUSH_CONSUMER, pb.ClientType_LITE_SIMPLE_CONSUMER:
		return nil, refuse(pb.Code_UNRECOGNIZED_CLIENT_TYPE, "clients of type %v are not supported", c.Type)
	default: // what they are told depends on what they say
	}
	if err := checkClientProperties(s.GetClientProperties()); err != nil {
		return nil, err
	}
	switch {
	case s.GetPublishing() != nil:
		for _, r := range s.GetPublishing().GetTopics() {
			topic, err := n.Topic(r)
			if err != nil {
				return nil, err
			}
			c.Topics = append(c.Topics, topic)
		}
		return c, nil
	case s.GetSubscription() != nil:
		for _, e := range s.GetSubscription().GetSubscriptions() {
			topic, err := n.Topic(e.GetTopic())
			if err != nil {
				return nil, err
			}
			c.Subscribed = append(c.Subscribed, topic)
		}
		var err error
		c.Group, err = n.Group(s.GetSubscription().GetGroup())
		return c, err
	}
	return nil, refuse(pb.Code_BAD_REQUEST, "the settings have neither publishing nor subscription")
}

// Topic is one that a consumer subscribes to, "" when it names none.
func (c *Client) Topic() string {
	if all := c.said.GetSubscription().GetSubscriptions(); len(all) > 0 {
		return all[0].GetTopic().GetName()
	}
	return ""
}

// Limits of client_properties.
const (
	maxClientProperties     = 32
	maxClientPropertyKey    = 64
	maxClientPropertyValue  = 256
	maxClientPropertiesSize = 4 << 10
)

func checkClientProperties(all map[string]string) error {
	size := 0
	for k, v := range all {
		size += len(k) + len(v)
		if !isClientPropertyKey(k) || len(v) > maxClientPropertyValue {
			return refuse(pb.Code_INVALID_CLIENT_PROPERTIES, "client property %.70q is not a letter with up to 63 characters of A-Za-z0-9_.- and a value of up to %d bytes", k, maxClientPropertyValue)
		}
	}
	if len(all) > maxClientProperties || size > maxClientPropertiesSize {
		return refuse(pb.Code_INVALID_CLIENT_PROPERTIES, "there are %d client properties of %d bytes, more than %d or %d bytes", len(all), size, maxClientProperties, maxClientPropertiesSize)
	}
	return nil
}

func isClientPropertyKey(k string) bool {
	if k == "" || len(k) > maxClientPropertyKey {
		return false
	}
	for i, r := range k {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || ('0' > r || r > '9') && r != '_' && r != '.' && r != '-') {
			return false
		}
	}
	return true
}

// Settings are what the client is told: its own, with what the server decides. SDKs that miss a part of it do not start.
func (c *Client) Settings(g Group) *pb.Settings {
	s := proto.Clone(c.said).(*pb.Settings)
	s.Metric = &pb.Metric{}
	if p := s.GetPublishing(); p != nil {
		p.MaxBodySize, p.ValidateMessageType = MaxBody, true
		s.BackoffPolicy = &pb.RetryPolicy{MaxAttempts: 3, Strategy: exponentialBackoff(10*time.Millisecond, time.Second, 2)}
	}
	if sub := s.GetSubscription(); sub != nil {
		sub.Fifo, sub.ReceiveBatchSize = proto.Bool(g.Orderly), proto.Int32(maxBatch)
		sub.LongPollingTimeout = durationpb.New(maxPoll)
		s.BackoffPolicy = g.backoff(c.said.GetUserAgent().GetLanguage() == pb.Language_NODE_JS)
	}
	return s
}

// SettingsCommand brings them to the client.
func SettingsCommand(s *pb.Settings) *pb.TelemetryCommand {
	return &pb.TelemetryCommand{Status: OK(), Command: &pb.TelemetryCommand_Settings{Settings: s}}
}

// ReconnectCommand asks the client to connect again, as this proxy is about to end. Java, Go and Node do so.
func ReconnectCommand(nonce string) *pb.TelemetryCommand {
	return &pb.TelemetryCommand{Status: OK(), Command: &pb.TelemetryCommand_ReconnectEndpointsCommand{ReconnectEndpointsCommand: &pb.ReconnectEndpointsCommand{Nonce: nonce}}}
}
