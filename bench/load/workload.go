//go:build linux

package load

import (
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Workload is what the connections of a scenario ask for.
type Workload string

// What there is.
const (
	Send   Workload = "send"   // 310, JSON header, body of 1 KiB
	Binary Workload = "binary" // 10, binary header, body of 100 bytes
	Pop    Workload = "pop"    // 200050, answered with 32 x 1 KiB; then 32 x 200051 at once
	Pull   Workload = "pull"   // 11, answered with a body of Spec.Answer bytes
	Both   Workload = "both"   // a Send to each of two brokers on every connection; for Spec.Idle
	Mixed  Workload = "mixed"  // Spec.Pollers connections pull and wait; each Send of the others wakes one of them

	// Of gRPC clients, each on a connection of its own.
	GRPCSend    Workload = "grpc-send"    // SendMessage of 1 KiB
	GRPCReceive Workload = "grpc-receive" // SendMessage of 32 x 1 KiB, ReceiveMessage, AckMessage: three calls
)

// Of a pop: messages and bytes of each one's body. Sends are as large.
const (
	PopMessages = 32
	MessageSize = 1 << 10
)

// templates makes the requests of a workload: the one that is repeated, and the ack of Pop or the pull of Mixed.
func (w Workload) templates(answer int) (first, second *wire.Template) {
	switch w {
	case Pop:
		return w.first(answer), wire.NewTemplate(wire.Request(codec.ReqAckMessage, ackFields, 0), codec.JSON)
	case Both:
		fields := sendFields(shortSend)
		fields["n"] = wire.OtherBroker
		return w.first(answer), wire.NewTemplate(wire.Request(codec.ReqSendMessageV2, fields, MessageSize), codec.JSON)
	case Mixed:
		return w.first(answer), wire.NewTemplate(wire.Request(codec.ReqPullMessage, pullFields(LongPollQueue, MessageSize), 0), codec.JSON)
	default:
		return w.first(answer), nil
	}
}

func (w Workload) first(answer int) *wire.Template {
	switch w {
	case Binary:
		return wire.NewTemplate(wire.Request(codec.ReqSendMessage, sendFields(longSend), 100), codec.Binary)
	case Pop:
		return wire.NewTemplate(wire.Request(codec.ReqPopMessage, popFields, 0), codec.JSON)
	case Pull:
		return wire.NewTemplate(wire.Request(codec.ReqPullMessage, pullFields("0", answer), 0), codec.JSON)
	default:
		return wire.NewTemplate(wire.Request(codec.ReqSendMessageV2, sendFields(shortSend), MessageSize), codec.JSON)
	}
}

// LongPollQueue is the queue in which there is nothing: pulls of it wait for a send.
const LongPollQueue = "1"

func pullFields(queue string, answer int) map[string]string {
	return map[string]string{
		"consumerGroup": "bench-group", "topic": wire.Topic, "queueId": queue, "queueOffset": "0", "maxMsgNums": "32",
		"sysFlag": "6", "commitOffset": "0", "suspendTimeoutMillis": "15000", "subscription": "*", "subVersion": "1700000000000",
		"expressionType": "TAG", "maxMsgBytes": strconv.Itoa(answer), "bname": wire.BrokerName,
	}
}

// Keys of a send's fields: as SendMessageRequestHeader (10) and SendMessageRequestHeaderV2 (310) spell them.
var (
	longSend = []string{
		"producerGroup", "topic", "defaultTopic", "defaultTopicQueueNums", "queueId", "sysFlag", "bornTimestamp", "flag",
		"properties", "reconsumeTimes", "unitMode", "maxReconsumeTimes", "batch", "bname",
	}
	shortSend = strings.Split("abcdefghijklmn", "")
)

func sendFields(keys []string) map[string]string {
	values := []string{
		"bench-group", wire.Topic, "TBW102", "4", "3", "0", "1700000000000", "0",
		"UNIQ_KEY\x017F0000010A5C18B4AAC21F4F0B8A0000\x02WAIT\x01true\x02", "0", "false", "0", "false", wire.BrokerName,
	}
	fields := map[string]string{}
	for i, k := range keys {
		fields[k] = values[i]
	}
	return fields
}

var popFields = map[string]string{
	"consumerGroup": "bench-group", "topic": wire.Topic, "queueId": "-1", "maxMsgNums": strconv.Itoa(PopMessages),
	"invisibleTime": "60000", "pollTime": "15000", "bornTime": "1700000000000", "initMode": "1", "expType": "TAG", "exp": "*",
	"order": "false", "bname": wire.BrokerName,
}

var ackFields = map[string]string{
	"consumerGroup": "bench-group", "topic": wire.Topic, "queueId": "3", "offset": "100", "bname": wire.BrokerName,
	"extraInfo": "100 1700000000000 60000 1 0 broker-a 3 100",
}

// PulledSize is the body of the one message of queue 0 of a real broker, which is what Pull asks for.
const PulledSize = 100 << 10

// PulledMessage is the send that puts it there.
func PulledMessage() *codec.Command {
	fields := sendFields(shortSend)
	fields["e"] = "0" // queueId
	return wire.Request(codec.ReqSendMessageV2, fields, PulledSize)
}
