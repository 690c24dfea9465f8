package proxytest

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Heartbeats of one consumer: all that it subscribes to, and the short form that refers to it.
const (
	FullHeartbeat  = `{"clientID":"10.0.0.1@app","consumerDataSet":[{"groupName":"g"}],"producerDataSet":[],"withoutSub":false,"heartbeatFingerprint":7}`
	ShortHeartbeat = `{"clientID":"10.0.0.1@app","consumerDataSet":[],"producerDataSet":[],"withoutSub":true,"heartbeatFingerprint":7}`
)

// Frame is a command as JSON.
func Frame(c *codec.Command) []byte { return c.Append(nil, codec.JSON) }

// RawFrame makes a frame of a JSON header as it stands.
func RawFrame(header, body string) []byte {
	return append(Prefix(int32(4+len(header)+len(body)), uint32(len(header)), header), body...)
}

// Prefix makes the first eight bytes of a frame, which say what they like, and bytes behind them.
func Prefix(total int32, mark uint32, rest string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(total))
	return append(binary.BigEndian.AppendUint32(b, mark), rest...)
}

// RouteRequest asks for the route of a topic.
func RouteRequest(topic string) *codec.Command {
	return &codec.Command{Code: codec.ReqGetRouteInfoByTopic, Language: codec.Java, Version: codec.Version5_5_0, Ext: map[string]string{"topic": topic}}
}

// PullRequest asks for messages. [Client.Send] gives it an opaque where this is 0.
func PullRequest(opaque int32) *codec.Command {
	return &codec.Command{Code: codec.ReqPullMessage, Opaque: opaque}
}

// PullAnswer answers it, without messages.
func PullAnswer(opaque int32) *codec.Command {
	return PullRequest(opaque).Answer(codec.ResSuccess, "")
}

// SendRequest sends a message.
func SendRequest() *codec.Command { return &codec.Command{Code: codec.ReqSendMessageV2} }

// ConsumerHeartbeat is the heartbeat of a member of the consumer group "g".
func ConsumerHeartbeat() *codec.Command {
	return &codec.Command{Code: codec.ReqHeartBeat, Body: []byte(`{"clientID":"c","consumerDataSet":[{"groupName":"g"}],"producerDataSet":[]}`)}
}

// ProducerHeartbeat is the heartbeat of a producer.
func ProducerHeartbeat() *codec.Command {
	return &codec.Command{Code: codec.ReqHeartBeat, Body: []byte(`{"clientID":"p","consumerDataSet":[],"producerDataSet":[{"groupName":"g"}]}`)}
}

// Answerer answers requests; nil is no answer.
type Answerer = func(*codec.Command) *codec.Command

// Echo answers with the request's body.
func Echo(c *codec.Command) *codec.Command {
	a := c.Answer(codec.ResSuccess, "")
	a.Body = c.Body
	return a
}

// Succeed answers everything with success.
func Succeed(c *codec.Command) *codec.Command { return c.Answer(codec.ResSuccess, "") }

// Silent answers nothing.
func Silent(*codec.Command) *codec.Command { return nil }

// HeartbeatsOnly confirms heartbeats and answers nothing else.
func HeartbeatsOnly(c *codec.Command) *codec.Command {
	if c.Code == codec.ReqHeartBeat {
		return Succeed(c)
	}
	return nil
}

// Knows answers as a name server that knows all topics, on broker-a at an address.
func Knows(address string) Answerer {
	return func(c *codec.Command) *codec.Command {
		if c.Code == codec.ReqGetBrokerClusterInfo {
			return ClusterInfo(c, address)
		}
		return TopicRoute(c, address)
	}
}

// KnowsBrokers answers as a name server with these brokers, by name, each of which has every topic whose name begins
// with "topic".
func KnowsBrokers(addresses map[string]string) Answerer {
	return func(c *codec.Command) *codec.Command {
		switch {
		case c.Code == codec.ReqGetBrokerClusterInfo:
			return clusterInfo(c, addresses)
		case len(addresses) == 0 || !strings.HasPrefix(c.Ext["topic"], "topic"):
			return c.Answer(codec.ResTopicNotExist, "no route of "+c.Ext["topic"])
		default:
			return topicRoute(c, addresses)
		}
	}
}

// ClusterInfo answers 106 with broker-a at an address.
func ClusterInfo(c *codec.Command, address string) *codec.Command {
	return clusterInfo(c, map[string]string{BrokerA.Name: address})
}

// TopicRoute answers 105 with broker-a at an address.
func TopicRoute(c *codec.Command, address string) *codec.Command {
	return topicRoute(c, map[string]string{BrokerA.Name: address})
}

// clusterInfo is as brokers of Java write it: broker ids are keys without quotes.
func clusterInfo(c *codec.Command, addresses map[string]string) *codec.Command {
	var brokers, names []string
	for name, address := range addresses {
		names = append(names, fmt.Sprintf("%q", name))
		brokers = append(brokers, fmt.Sprintf(`%q:{"brokerAddrs":{0:%q},"brokerName":%q,"cluster":"main"}`, name, address, name))
	}
	a := c.Answer(codec.ResSuccess, "")
	a.Body = fmt.Appendf(nil, `{"brokerAddrTable":{%s},"clusterAddrTable":{"main":[%s]}}`, strings.Join(brokers, ","), strings.Join(names, ","))
	return a
}

func topicRoute(c *codec.Command, addresses map[string]string) *codec.Command {
	var brokers, queues []string
	for name, address := range addresses {
		brokers = append(brokers, fmt.Sprintf(`{"brokerAddrs":{"0":%q},"brokerName":%q,"cluster":"main"}`, address, name))
		queues = append(queues, fmt.Sprintf(`{"brokerName":%q,"perm":6,"readQueueNums":4,"topicSysFlag":0,"writeQueueNums":4}`, name))
	}
	a := c.Answer(codec.ResSuccess, "")
	a.Body = fmt.Appendf(nil, `{"brokerDatas":[%s],"filterServerTable":{},"queueDatas":[%s]}`, strings.Join(brokers, ","), strings.Join(queues, ","))
	return a
}
