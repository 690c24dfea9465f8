package messages

import (
	"time"

	"github.com/asynkron/protoactor-go/actor"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Subscribe asks a cluster to tell of its brokers: BrokersChanged now, if it knows any, and on each change, and what
// becomes of each of them (BrokerLost, BrokerBack, BrokerMoved).
type Subscribe struct{ To *actor.PID }

// Unsubscribe takes Subscribe back.
type Unsubscribe struct{ From *actor.PID }

// BrokersChanged tells subscribers that the snapshot of their cluster lists other brokers than before.
type BrokersChanged struct{ Cluster string }

// Refreshed tells subscribers that the cluster was looked at, changed or not: what failed can be tried again.
type Refreshed struct{ Cluster string }

// Source is what a cluster learns from, from now on, every Refresh: name servers, or what is written down of its brokers.
type Source struct {
	NameServers []string
	Static      *route.Static // nil: it has name servers
	Refresh     time.Duration
}

// RouteQuery asks a cluster for a topic's route (105) or, with Cluster set, for the cluster's brokers (106), or, with List set,
// for the names of its topics (206) or, with a RocketMQ cluster in Topic, of those of that one (224).
type RouteQuery struct {
	X       *Exchange // whose answer it is for; nil: a connection has to know it
	Topic   string
	Cluster bool
	List    bool
	// Others: other clusters are asked as well. What is known now, if only that nobody answers, is then better than waiting.
	Others bool
	// The zone that the client says it is in (-Drocketmq.zone.mode). Name servers then leave brokers of other zones out.
	ZoneName, ZoneMode string
	To                 *actor.PID // gets the RouteReply
}

// RouteReply answers a RouteQuery as a name server would. Code is what the name server said, or 1 when none could be
// asked.
type RouteReply struct {
	X       *Exchange
	Topic   string
	From    string // the cluster's name
	Cluster bool
	List    bool
	Code    int32
	Remark  string
	Body    []byte // shared and never changed
	Brokers []route.Broker
}

// Reloaded tells a cluster that the configuration was read again, changed or not: it looks again, and forgets at once what is
// gone.
type Reloaded struct{}

// RoutesChanged tells a cluster that a request was passed on which changes routes (route.ChangesRoutes): what it knows is not
// served from memory for a while.
type RoutesChanged struct{}

// Refresh asks a cluster to look again at once: an upstream failed.
type Refresh struct{}

// OpenPorts asks a listener to open ports for brokers that it may not know yet. The answer is PortsOpened, when each
// of them has a port or has been left out.
type OpenPorts struct {
	Brokers []route.Broker
	Reply   *RouteReply
	To      *actor.PID
}

// PortsOpened gives the Reply of an OpenPorts back.
type PortsOpened struct{ Reply *RouteReply }
