package stories

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// TestMQAdminOnOnePortOfTwoBrokers runs what docs/COMPATIBILITY.md says of mqadmin with several brokers behind one port: what is
// served does what it does elsewhere, and what is not says why.
func TestMQAdminOnOnePortOfTwoBrokers(t *testing.T) {
	harness.RequireReal(t)
	t.Parallel()
	target := onOnePortOfTwo(t)
	for _, version := range []string{"5.5.0", "4.9.4"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := &mqadminSession{t: t, target: target, JavaShell: harness.StartJavaShell(t, version), direct: harness.StartDirectShell(t, version)}
			s.setUpOnBoth()
			topic, group := s.lookAtOne(version)
			s.refusedOfTwo(topic, group)
		})
	}
}

// setUpOnBoth makes a topic and a group, which have to be on both brokers, and takes them away.
func (s *mqadminSession) setUpOnBoth() {
	topic, group := harness.Unique(s.t, "both"), harness.Unique(s.t, "group")
	require.Contains(s.t, s.run("updateTopic", "-c", "DefaultCluster", "-t", topic, "-r", "3", "-w", "3"), "create topic to")
	for broker := range s.target.Brokers {
		s.awaitDirect(broker, true, "topicRoute", "-t", topic)
	}
	require.Contains(s.t, s.run("updateSubGroup", "-c", "DefaultCluster", "-g", group), "create subscription group to")
	list := s.run("clusterList")
	for broker := range s.target.Brokers {
		require.Contains(s.t, list, broker)
	}
	require.Contains(s.t, s.run("topicList"), topic)
	require.NotContains(s.t, s.run("deleteSubGroup", "-c", "DefaultCluster", "-g", group), "Exception")
	require.NotContains(s.t, s.run("deleteTopic", "-c", "DefaultCluster", "-t", topic), "Exception")
	for broker := range s.target.Brokers {
		s.awaitDirect(broker, false, "topicRoute", "-t", topic)
	}
}

// awaitDirect runs a command without the proxy until it prints something, or no longer does.
func (s *mqadminSession) awaitDirect(what string, want bool, words ...string) {
	s.t.Helper()
	harness.Await(s.t, func() error {
		printed, err := s.direct.MQAdmin(s.target.Direct(), words...)
		if err == nil && strings.Contains(printed, what) != want {
			err = fmt.Errorf("%s in what mqadmin %s prints: %t; want %t:\n%s", what, strings.Join(words, " "), !want, want, printed)
		}
		return err
	})
}

// lookAtOne looks at a topic that is on one broker, and finds a message of it by its key and its ids.
func (s *mqadminSession) lookAtOne(version string) (topic, group string) {
	topic, group = s.target.Topic(s.t, 2), harness.Unique(s.t, "group")
	p := s.target.Producer(s.t)
	sent := harness.Send(s.t, p, primitive.NewMessage(topic, []byte("found")).WithKeys([]string{"the-key"}))
	s.same("topicRoute", "-t", topic)
	require.Contains(s.t, s.run("topicStatus", "-t", topic), "broker-a")
	s.awaitPrinted(sent.MsgID, "queryMsgByKey", "-t", topic, "-k", "the-key") // the index follows the store
	require.Contains(s.t, s.run("queryMsgByUniqueKey", "-t", topic, "-i", sent.MsgID), "the-key")
	byID := []string{"queryMsgById", "-i", sent.OffsetMsgID}
	if version == "5.5.0" { // which ends without it, as 4.9.4 does with it
		byID = append(byID, "-t", topic)
	}
	require.Contains(s.t, s.run(byID...), "the-key")

	require.NoError(s.t, s.StartMember(s.target.NameServer, topic, group, harness.Unique(s.t, "client")))
	before := s.awaitReceived([][]byte{[]byte("found")}, nil)
	reset := s.run("resetOffsetByTime", "-g", group, "-t", topic, "-s", fmt.Sprint(time.Now().Add(-time.Hour).UnixMilli()))
	require.NotContains(s.t, reset, "Exception")
	s.awaitReceived([][]byte{[]byte("found")}, before)
	return topic, group
}

// refusedOfTwo runs what names neither a broker nor a topic that is on one of them.
func (s *mqadminSession) refusedOfTwo(topic, group string) {
	address := s.target.Brokers["broker-a"]
	for _, words := range [][]string{
		{"brokerStatus", "-b", address},                  // 28
		{"getBrokerConfig", "-b", address},               // 26
		{"consumerConnection", "-g", group},              // 203
		{"producerConnection", "-g", group, "-t", topic}, // 204
		{"consumerProgress", "-g", group},                // 208
		{"consumerStatus", "-g", group},                  // 203
	} {
		require.Contains(s.t, s.run(words...), "does not say which broker it is for", "mqadmin %v", words)
	}
}
