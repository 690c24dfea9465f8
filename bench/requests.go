//go:build linux

package main

import (
	"strconv"
	"strings"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// workload is what the connections of a scenario ask for.
type workload string

const (
	sendJSON   workload = "send"   // 310, JSON header, body of 1 KiB
	sendBinary workload = "binary" // 10, binary header, body of 100 bytes
	popAndAck  workload = "pop"    // 200050, answered with 32 x 1 KiB; then 32 x 200051 at once
	pull       workload = "pull"   // 11, answered with a body of Spec.Answer bytes
)

// templates makes the requests of a workload: the one that is repeated, and for popAndAck the ack.
func (w workload) templates(answer int) (first, ack *template) {
	switch w {
	case sendBinary:
		return newTemplate(request(codec.ReqSendMessage, sendFields(longSend), 100), codec.Binary), nil
	case popAndAck:
		return newTemplate(request(codec.ReqPopMessage, popFields, 0), codec.JSON), newTemplate(request(codec.ReqAckMessage, ackFields, 0), codec.JSON)
	case pull:
		fields := map[string]string{
			"consumerGroup": "bench-group", "topic": topic, "queueId": "0", "queueOffset": "0", "maxMsgNums": "32",
			"sysFlag": "6", "commitOffset": "0", "suspendTimeoutMillis": "15000", "subscription": "*", "subVersion": "1700000000000",
			"expressionType": "TAG", "maxMsgBytes": strconv.Itoa(answer), "bname": brokerName,
		}
		return newTemplate(request(codec.ReqPullMessage, fields, 0), codec.JSON), nil
	default:
		return newTemplate(request(codec.ReqSendMessageV2, sendFields(shortSend), messageSize), codec.JSON), nil
	}
}

func request(code int32, ext map[string]string, body int) *codec.Command {
	return &codec.Command{Code: code, Language: codec.Java, Version: codec.Version5_5_0, Ext: ext, Body: []byte(strings.Repeat("x", body))}
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
		"bench-group", topic, "TBW102", "4", "3", "0", "1700000000000", "0",
		"UNIQ_KEY\x017F0000010A5C18B4AAC21F4F0B8A0000\x02WAIT\x01true\x02", "0", "false", "0", "false", brokerName,
	}
	fields := map[string]string{}
	for i, k := range keys {
		fields[k] = values[i]
	}
	return fields
}

var popFields = map[string]string{
	"consumerGroup": "bench-group", "topic": topic, "queueId": "-1", "maxMsgNums": strconv.Itoa(popMessages),
	"invisibleTime": "60000", "pollTime": "15000", "bornTime": "1700000000000", "initMode": "1", "expType": "TAG", "exp": "*",
	"order": "false", "bname": brokerName,
}

var ackFields = map[string]string{
	"consumerGroup": "bench-group", "topic": topic, "queueId": "3", "offset": "100", "bname": brokerName,
	"extraInfo": "100 1700000000000 60000 1 0 broker-a 3 100",
}
