//go:build linux

package sink

import (
	"fmt"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// nameServer answers questions for routes, everything else as a broker.
type nameServer struct {
	*broker
	address string
}

// Frame answers one question.
func (s *nameServer) Frame(c *wire.Conn, head []byte) {
	broker := fmt.Sprintf(`{"brokerAddrs":{"0":%q},"brokerName":%q,"cluster":"bench"}`, s.address, wire.BrokerName)
	body := ""
	switch int32(wire.CodeOf(head)) {
	case codec.ReqGetRouteInfoByTopic:
		body = fmt.Sprintf(`{"brokerDatas":[%s],"filterServerTable":{},"queueDatas":[{"brokerName":%q,"perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8}]}`, broker, wire.BrokerName)
	case codec.ReqGetBrokerClusterInfo:
		body = fmt.Sprintf(`{"brokerAddrTable":{%q:%s},"clusterAddrTable":{"bench":[%q]}}`, wire.BrokerName, broker, wire.BrokerName)
	default:
		s.broker.Frame(c, head)
		return
	}
	answer := &codec.Command{Flag: codec.FlagResponse, Version: codec.Version5_5_0, Opaque: int32(wire.OpaqueOf(head)), Body: []byte(body)}
	c.Loop.Batch = answer.Append(c.Loop.Batch, codec.JSON)
}
