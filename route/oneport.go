package route

import (
	"bytes"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// OnePort is what decisions on a one-port listener depend on beside the request: which brokers its clusters have. It
// never changes; whoever learns of another broker makes another one. Health is a present one, as [OnePortBroker] says.
type OnePort struct {
	// Clusters are those that requests may go to: the listener's own first, then those that its routes name.
	Clusters []string
	// Balance spreads sends and pops that name no broker over the brokers of their topic (listener.unnamed). Life is how long it
	// is then remembered where a message was popped (listener.transient_object_life_span).
	Balance bool
	Life    time.Duration

	brokers []OnePortBroker           // sorted
	names   map[string]*brokerProcess // by name
	only    *brokerProcess            // nil: there are several, or none
}

// OnePortBroker is one broker process that a one-port listener stands for.
type OnePortBroker struct {
	BrokerID
	Of   string      // the proxy's cluster, one of OnePort.Clusters
	Down func() bool // it cannot be reached now; nil: it can
}

func (b *OnePortBroker) down() bool { return b.Down != nil && b.Down() }

// clusterOf is the cluster of a broker.
func (o *OnePort) clusterOf(name string) string {
	if o == nil || o.names[name] == nil {
		return ""
	}
	return o.names[name].master.Of
}

// brokerProcess are the processes that have one name: a master, unless only slaves are left, and its slaves by id.
type brokerProcess struct {
	master *OnePortBroker // or the slave with the lowest id
	slaves []*OnePortBroker
}

// NewOnePort makes the table of brokers; of those whose name another cluster has already the caller has left out.
func NewOnePort(clusters []string, brokers []OnePortBroker, balance bool) *OnePort {
	o := &OnePort{Clusters: clusters, Balance: balance, brokers: slices.Clone(brokers), names: map[string]*brokerProcess{}}
	slices.SortFunc(o.brokers, func(a, b OnePortBroker) int { return a.Compare(b.BrokerID) })
	for i := range o.brokers {
		b := &o.brokers[i]
		if p := o.names[b.Name]; p != nil {
			p.slaves = append(p.slaves, b)
		} else {
			o.names[b.Name] = &brokerProcess{master: b}
		}
	}
	if len(o.names) == 1 {
		o.only = o.names[o.brokers[0].Name]
	}
	return o
}

// masters are the brokers of clusters by name, the lowest first.
func (o *OnePort) masters(clusters []string) (list []*brokerProcess) {
	for i := range o.brokers {
		b := &o.brokers[i]
		if p := o.names[b.Name]; p.master == b && slices.Contains(clusters, b.Of) {
			list = append(list, p)
		}
	}
	return list
}

// readsAlsoFromSlaves are requests that a slave can answer while its master is away.
func readsAlsoFromSlaves(code int32) bool {
	switch code {
	case codec.ReqPullMessage, codec.ReqLitePullMessage, codec.ReqQueryConsumerOffset, codec.ReqSearchOffsetByTimestamp,
		codec.ReqGetMaxOffset, codec.ReqGetMinOffset, codec.ReqGetEarliestMsgStoreTime:
		return true
	}
	return false
}

// process is the one of a broker's processes that a request goes to: the master, or the first slave that is up while the
// master is down and a slave will do.
func (p *brokerProcess) process(code int32) *OnePortBroker {
	if len(p.slaves) > 0 && readsAlsoFromSlaves(code) && p.master.down() {
		for _, slave := range p.slaves {
			if !slave.down() {
				return slave
			}
		}
	}
	return p.master
}

// LogicalPrefix begins the names that clients give to the queues of static topics, which no broker has
// (MixAll.java#LOGICAL_QUEUE_MOCK_BROKER_PREFIX).
const LogicalPrefix = "__syslo__"

func isLogical(broker []byte) bool { return bytes.HasPrefix(broker, []byte(LogicalPrefix)) }
