package embedded

import (
	"log/slog"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Options say what to start. The zero value is a cluster of one name server and one master called broker-a.
type Options struct {
	ClusterName string          // default "DefaultCluster"
	Brokers     []BrokerOptions // default: one, broker-a
	// NameServers is how many to start on ports of their own, default 1. NameServerAddresses, if given, says where
	// and how many instead.
	NameServers         int
	NameServerAddresses []string
	// DisableAutoCreateTopics takes TBW102 out of the routes and refuses sends to unknown topics with code 17.
	DisableAutoCreateTopics bool
	// DisableAutoCreateGroups refuses pulls and pops of groups that were not created, with code 26.
	DisableAutoCreateGroups bool
	DefaultQueues           int   // of TBW102, default 8 (BrokerConfig.java#defaultTopicQueueNums)
	MaxMemory               int64 // bytes of messages for each broker name; the oldest go first; default 256 MiB
	MaxMessageSize          int   // bytes of a body, default 4 MiB (MessageStoreConfig.java#maxMessageSize)
	// TransactionTimeout is how long a half message waits before its first check, default 6 s
	// (BrokerConfig.java#transactionTimeOut). TransactionCheckInterval is the time between checks, default 30 s.
	TransactionTimeout       time.Duration
	TransactionCheckInterval time.Duration
	// ClientSideReset makes code 222 push the new offsets to the consumers (220), as brokers did before 5.0.
	ClientSideReset bool
	// VIPChannel makes each broker listen on port-2 too, where pulls and pops are answered 3.
	VIPChannel bool
	// Version is what answers of brokers carry, default 5.5.0. Before 5.0 they know no pop and no delivery times.
	Version int32
	Clock   Clock        // default: the system's
	Logger  *slog.Logger // default: none
}

// BrokerOptions describe one broker of a cluster.
type BrokerOptions struct {
	Name    string // default "broker-a"
	ID      int64  // 0 is the master, others are slaves of the same name
	Address string // default "127.0.0.1:0"
	// Advertise is the address that the routes name, default the one listened on.
	Advertise string
}

func (o Options) withDefaults() Options {
	orDefault(&o.ClusterName, "DefaultCluster")
	orDefault(&o.NameServers, 1)
	orDefault(&o.DefaultQueues, 8)
	orDefault(&o.MaxMemory, 256<<20)
	orDefault(&o.MaxMessageSize, 4<<20)
	orDefault(&o.TransactionTimeout, 6*time.Second)
	orDefault(&o.TransactionCheckInterval, 30*time.Second)
	if len(o.Brokers) == 0 {
		o.Brokers = []BrokerOptions{{}}
	}
	if len(o.NameServerAddresses) == 0 {
		for range o.NameServers {
			o.NameServerAddresses = append(o.NameServerAddresses, "127.0.0.1:0")
		}
	}
	orDefault(&o.Version, codec.Version5_5_0)
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o BrokerOptions) withDefaults() BrokerOptions {
	orDefault(&o.Name, "broker-a")
	orDefault(&o.Address, "127.0.0.1:0")
	return o
}

func orDefault[T comparable](v *T, def T) {
	if *v == *new(T) {
		*v = def
	}
}
