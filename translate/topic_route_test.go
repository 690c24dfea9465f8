package translate

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// As name servers write it, in fastjson's dialect.
const twoBrokers = `{"brokerDatas":[{"brokerAddrs":{0:"10.0.0.2:10911",1:"10.0.0.4:10911"},"brokerName":"broker-b","cluster":"C","enableActingMaster":false},` +
	`{"brokerAddrs":{"0":"10.0.0.1:10911"},"brokerName":"broker-a","cluster":"C"},{"brokerAddrs":{1:"10.0.0.3:10911"},"brokerName":"broker-c","cluster":"C"}],` +
	`"filterServerTable":{},"queueDatas":[{"brokerName":"gone","perm":6,"readQueueNums":8,"topicSysFlag":0,"writeQueueNums":8},` +
	`{"brokerName":"broker-b","perm":6,"readQueueNums":3,"topicSysFlag":0,"writeQueueNums":2},` +
	`{"brokerName":"broker-a","perm":4,"readQueueNums":2,"writeQueueNums":2},{"brokerName":"broker-c","perm":6,"readQueueNums":1,"writeQueueNums":1}]}`

func aRoute(t testing.TB) *Route {
	r, err := ReadRoute([]byte(twoBrokers))
	require.NoError(t, err)
	return r
}

func TestQueuesOfMastersAreWrittenToInOrder(t *testing.T) {
	r := aRoute(t)
	require.Equal(t, []Queue{{"broker-b", 0}, {"broker-b", 1}}, r.Writable())
	require.Equal(t, []string{"broker-a", "broker-b"}, r.Readable())
	ordered, err := ReadRoute([]byte(`{"orderTopicConf":"broker-b:1;broker-a:2;x;broker-z:9","brokerDatas":[{"brokerAddrs":{0:"b"},"brokerName":"broker-b"},` +
		`{"brokerAddrs":{0:"a"},"brokerName":"broker-a"}],"queueDatas":null}`))
	require.NoError(t, err)
	require.Equal(t, []Queue{{"broker-a", 0}, {"broker-a", 1}, {"broker-b", 0}}, ordered.Writable())
}

func TestARouteNamesEachQueueWithItsNumber(t *testing.T) {
	at := &pb.Endpoints{Scheme: pb.AddressScheme_IPv4}
	answer := QueryRoute(&pb.Resource{Name: "orders"}, aRoute(t), "FIFO", at)
	type queue struct {
		broker     string
		broker_    int32
		id         int32
		permission pb.Permission
	}
	var got []queue
	for _, q := range answer.MessageQueues {
		got = append(got, queue{q.Broker.Name, q.Broker.Id, q.Id, q.Permission})
		require.Equal(t, []pb.MessageType{pb.MessageType_FIFO}, q.AcceptMessageTypes)
		require.Same(t, at, q.Broker.Endpoints)
		require.Equal(t, "orders", q.Topic.Name)
	}
	require.Equal(t, []queue{
		{"broker-a", 0, 0, pb.Permission_READ},
		{"broker-a", 0, 1, pb.Permission_READ},
		{"broker-b", 0, 0, pb.Permission_READ_WRITE},
		{"broker-b", 0, 1, pb.Permission_READ_WRITE},
		{"broker-b", 0, 2, pb.Permission_READ},
		{"broker-c", 1, 0, pb.Permission_READ_WRITE},
	}, got)
}

func TestAssignmentsAreBrokersOrQueuesOfOrderedGroups(t *testing.T) {
	a := QueryAssignment(&pb.Resource{Name: "orders"}, aRoute(t), DefaultGroup(), nil)
	require.Len(t, a.Assignments, 2)
	require.Equal(t, int32(-1), a.Assignments[0].MessageQueue.Id)
	a = QueryAssignment(&pb.Resource{Name: "orders"}, aRoute(t), Group{Orderly: true}, nil)
	require.Len(t, a.Assignments, 5)
	a = QueryAssignment(&pb.Resource{Name: "orders"}, &Route{}, DefaultGroup(), nil)
	require.Equal(t, pb.Code_FORBIDDEN, a.Status.Code)
}

func TestATypeThatIsNotKnownIsNeverAdvertisedAsUnspecified(t *testing.T) {
	for answer, want := range map[string]string{
		`{"topicName":"t","attributes":{}}`: "NORMAL", `{"attributes":{"message.type":"FIFO"}}`: "FIFO", `{"topicName":"t"}`: "NORMAL", `garbage`: "",
	} {
		require.Equal(t, want, ReadTopicType(&codec.Command{Body: []byte(answer)}))
	}
	require.Empty(t, ReadTopicType(&codec.Command{Code: 3}))
	for _, attribute := range []string{"", "MIXED", "NORMAL", "PRIORITY", "NEWER"} {
		require.NotEmpty(t, Accepts(attribute))
		require.NotContains(t, Accepts(attribute), pb.MessageType_MESSAGE_TYPE_UNSPECIFIED)
	}
}

func TestClientsAreToldTheEndpointsThatTheyWrote(t *testing.T) {
	asked := &pb.Endpoints{Scheme: pb.AddressScheme_DOMAIN_NAME, Addresses: []*pb.Address{{Host: "proxy", Port: 17881}}}
	local := netip.MustParseAddrPort("10.1.1.1:8081")
	require.Same(t, asked, Endpoints("", asked, "x:1", local))
	require.Equal(t, "mq.example.com", Endpoints("mq.example.com:8081", asked, "", local).Addresses[0].Host)
	require.Equal(t, pb.AddressScheme_DOMAIN_NAME, Endpoints("", nil, "proxy:1", local).Scheme)
	require.Equal(t, pb.AddressScheme_IPv6, Endpoints("", nil, "[::1]:1", local).Scheme)
	e := Endpoints("", nil, "nonsense", local)
	require.Equal(t, pb.AddressScheme_IPv4, e.Scheme)
	require.Equal(t, int32(8081), e.Addresses[0].Port)
}

func TestGroupsAreReadAsBrokersConfigureThem(t *testing.T) {
	g := ReadGroup(&codec.Command{Body: []byte(`{"consumeEnable":true,"consumeMessageOrderly":true,"retryMaxTimes":2,"consumeTimeoutMinute":3,` +
		`"groupRetryPolicy":{"type":"EXPONENTIAL","exponentialRetryPolicy":{"initial":1000,"max":60000,"multiplier":3}}}`)})
	require.True(t, g.Orderly)
	require.Equal(t, int32(3), g.MaxAttempts())
	require.Equal(t, 3*time.Minute, g.ConsumeTimeout)
	require.Equal(t, float32(3), g.backoff(false).GetExponentialBackoff().Multiplier)
	for _, answer := range []*codec.Command{{Code: 26}, {Code: 1}, {Code: 3}, {Body: []byte("garbage")}, {Body: []byte("{}")}} {
		g := ReadGroup(answer)
		require.Equal(t, int32(17), g.MaxAttempts())
		require.Equal(t, 15*time.Minute, g.ConsumeTimeout)
		require.Len(t, g.backoff(false).GetCustomizedBackoff().Next, 18)
		require.NotNil(t, g.backoff(true).GetExponentialBackoff(), "the Node SDK knows no other")
	}
}
