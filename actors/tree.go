package actors

import (
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/cluster"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/env"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/grpc"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/listener"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/stats"
	"github.com/rocketmq-proxy/rocketmq-proxy/actors/system"
)

// What a tree is made of, for the package that builds one.
type (
	// Settings are the numbers that the actors work by.
	Settings = env.Settings
	// Cluster is what is known of one RocketMQ cluster.
	Cluster = cluster.Cluster
	// NameServer is one name server of a cluster.
	NameServer = cluster.NameServer
	// Broker is one broker process of a cluster.
	Broker = cluster.Broker
	// Listener is a named address that clients use as their name server, with the ports of the brokers behind it.
	Listener = listener.Listener
	// GRPC is how a listener serves gRPC.
	GRPC = grpc.Settings
	// BrokerPort is where a listener offers a broker.
	BrokerPort = listener.BrokerPort
	// Statistics are all metrics of one proxy.
	Statistics = stats.Registry
	// Failures are the panics that supervisors have handled.
	Failures = system.Failures
	// FailureEvent is one of them.
	FailureEvent = system.FailureEvent
)

// Root is the id of the top supervisor; all others begin with it.
const Root = system.Root

// Makers of what a tree is made of, and what an actor is by its id.
var (
	NewCluster    = cluster.New
	NewStatistics = stats.NewRegistry
	Kind          = system.Kind
	Kinds         = system.Kinds
)

// Tree is everything that a proxy consists of, and what of it outlives the actors. A reload makes another one, which
// shares with the one before what did not change.
type Tree struct {
	Stats     *Statistics
	Clusters  []*Cluster
	Listeners []*Listener
}
