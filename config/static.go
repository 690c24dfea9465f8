package config

import "github.com/rocketmq-proxy/rocketmq-proxy/route"

// Static are the [[cluster.broker]] tables; nil: the cluster has name servers.
func (c *Cluster) Static() *route.Static {
	if len(c.Brokers) == 0 {
		return nil
	}
	s := &route.Static{}
	for _, b := range c.Brokers {
		known := route.Broker{BrokerID: route.BrokerID{Name: b.Name, ID: int64(b.ID)}, Cluster: b.Cluster, Address: b.Address}
		s.Brokers = append(s.Brokers, route.StaticBroker{
			Broker: known, ReadQueues: b.ReadQueues, WriteQueues: b.WriteQueues, Perm: b.Perm, Topics: b.Topics, Metadata: b.Metadata,
		})
	}
	return s
}
