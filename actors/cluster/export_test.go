package cluster

import "github.com/rocketmq-proxy/rocketmq-proxy/codec"

// NameServerAnswer is what the actor of a name server sends the cluster's, for tests in which it comes late.
func NameServerAnswer(id int64, address string, answer *codec.Command) any {
	return &nameServerAnswer{id: id, address: address, answer: answer}
}
