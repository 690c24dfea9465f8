package stories

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

func TestMQAdmin550(t *testing.T) {
	t.Parallel()
	// Not on 4.9.7: consumerProgress of 5.5.0 asks for the topic's configuration (351), which 4.9.7 refuses.
	harness.EachTargetOf(t, []string{harness.EmbeddedVersion, "5.5.0"}, func(t *testing.T, target *harness.Target) { mqadminStory(t, target, "5.5.0") })
}

func TestMQAdmin494(t *testing.T) {
	t.Parallel()
	harness.EachTarget(t, func(t *testing.T, target *harness.Target) { mqadminStory(t, target, "4.9.4") })
}

// mqadminStory makes a topic, has a group of two consume it, and looks at both with mqadmin. Where there is a real
// cluster behind the target, each command has to print the same there, but for addresses and what changes by itself.
func mqadminStory(t *testing.T, target *harness.Target, version string) {
	tool := &mqadminSession{t: t, target: target, JavaShell: harness.StartJavaShell(t, version)}
	if target.Cluster != nil {
		tool.direct = harness.StartDirectShell(t, version)
	}
	topic, group := harness.Unique(t, "topic"), harness.Unique(t, "group")

	// Asked before it exists, and again at once when it does: no answer is older than its question.
	require.NotContains(t, tool.run("topicRoute", "-t", topic), "brokerAddrs", "topicRoute of a topic that does not exist")
	printed := tool.run("updateTopic", "-c", "DefaultCluster", "-t", topic, "-r", "3", "-w", "3")
	require.Contains(t, printed, "create topic to", "updateTopic")
	route := tool.run("topicRoute", "-t", topic)
	for broker, address := range target.Brokers {
		require.Contains(t, route, address, "topicRoute shows %s at once", broker)
	}

	route = tool.same("topicRoute", "-t", topic)
	for broker := range target.Brokers {
		require.Contains(t, route, "<"+broker+">", "topicRoute shows the address")
	}
	list := tool.sameFirstColumns(5, "clusterList")
	for broker := range target.Brokers {
		require.Regexp(t, `DefaultCluster +`+broker+` +0 +<`+broker+`>`, list, "clusterList")
	}

	p := target.Producer(t)
	bodies := harness.RandomBodies(60)
	for _, body := range bodies[:30] {
		harness.Send(t, p, primitive.NewMessage(topic, body))
	}
	// The members are Java clients of the tool's version: the Go client cannot answer to consumerStatus while it has
	// consumed nothing in the last minute ("json marshal error: json: unsupported value: NaN").
	members := []string{harness.Unique(t, "client"), harness.Unique(t, "client")}
	for _, member := range members {
		require.NoError(t, tool.StartMember(target.NameServer, topic, group, member))
	}
	tool.awaitReceived(bodies[:30], nil)

	// Asks both clients by way of the broker (307), until they have split the queues.
	tool.awaitPrinted("Rebalance OK", "consumerStatus", "-g", group)
	status := tool.same("consumerStatus", "-g", group)
	for _, member := range members {
		require.Regexp(t, "@"+member+" +V", status, "consumerStatus shows the client and its version")
	}

	connections := tool.same("consumerConnection", "-g", group)
	require.Equal(t, 2, strings.Count(connections, "<client>"), "clients in\n%s", connections)
	require.Contains(t, connections, topic)

	// A message to each queue ends the pulls that a member left waiting at the broker when it lost the queue to the
	// other. 5.5.0 gives a reset to the first pull that comes back, so such a pull would swallow it.
	for _, body := range bodies[30:] {
		harness.Send(t, p, primitive.NewMessage(topic, body))
	}
	before := tool.awaitReceived(bodies, nil)
	tool.awaitPrinted("Diff Total: 0\n", "consumerProgress", "-g", group) // offsets are committed each 5 s
	progress := tool.same("consumerProgress", "-g", group)
	require.Equal(t, 3*len(target.Brokers), strings.Count(progress, topic), "queues in\n%s", progress)

	// To a time before all of it: everything has to come once more.
	reset := tool.run("resetOffsetByTime", "-g", group, "-t", topic, "-s", fmt.Sprint(time.Now().Add(-time.Hour).UnixMilli()))
	require.NotContains(t, reset, "Exception")
	tool.awaitReceived(bodies, before)
}

// awaitReceived waits until the members have got every body more often than before, and nothing else, and returns
// how often. (How often exactly is not theirs to say: while a group forms, two members may get the same message.)
func (s *mqadminSession) awaitReceived(bodies [][]byte, before map[harness.Checksum]int) map[harness.Checksum]int {
	s.t.Helper()
	var times map[harness.Checksum]int
	harness.Await(s.t, func() (err error) {
		if times, err = s.Received(); err != nil {
			return err
		}
		missing := 0
		for _, body := range bodies {
			if sum := sha256.Sum256(body); times[sum] <= before[sum] {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("the members have still to get %d of %d messages", missing, len(bodies))
		}
		return nil
	})
	require.Len(s.t, times, len(bodies), "different bodies that the members got")
	return times
}

// mqadminSession runs mqadmin against a target and compares with the cluster behind it.
type mqadminSession struct {
	t      *testing.T
	target *harness.Target
	*harness.JavaShell
	direct *harness.JavaShell // to compare with: the sockets of the other are watched
}

func (s *mqadminSession) run(words ...string) string {
	s.t.Helper()
	printed, err := s.MQAdmin(s.target.NameServer, words...)
	require.NoError(s.t, err)
	return printed
}

// awaitPrinted runs a command until it prints that.
func (s *mqadminSession) awaitPrinted(want string, words ...string) {
	s.t.Helper()
	harness.Await(s.t, func() error {
		if printed := s.run(words...); !strings.Contains(printed, want) {
			return fmt.Errorf("mqadmin %s does not print %q but\n%s", strings.Join(words, " "), want, printed)
		}
		return nil
	})
}

// same requires that a command prints the same through the proxy as direct, and returns it with addresses masked.
func (s *mqadminSession) same(words ...string) string {
	s.t.Helper()
	return s.compare(func(printed string) string { return printed }, words...)
}

// sameFirstColumns compares that many columns of a table only: the ones behind them are rates.
func (s *mqadminSession) sameFirstColumns(n int, words ...string) string {
	s.t.Helper()
	return s.compare(func(printed string) string {
		var kept []string
		for line := range strings.Lines(printed) {
			fields := strings.Fields(line)
			kept = append(kept, strings.Join(fields[:min(n, len(fields))], " "))
		}
		return strings.Join(kept, "\n")
	}, words...)
}

func (s *mqadminSession) compare(part func(string) string, words ...string) string {
	s.t.Helper()
	if s.target.Cluster == nil {
		return masked(part(s.run(words...)), s.target.Brokers)
	}
	brokers, err := harness.Masters(s.t.Context(), s.target.Direct())
	require.NoError(s.t, err)
	var through string
	harness.Await(s.t, func() error { // what is behind may be on the move
		through = masked(part(s.run(words...)), s.target.Brokers)
		printed, err := s.direct.MQAdmin(s.target.Direct(), words...)
		if err != nil {
			return err
		}
		if direct := masked(part(printed), brokers); through != direct {
			return fmt.Errorf("mqadmin %s prints through the proxy\n%s\nand direct\n%s", strings.Join(words, " "), through, direct)
		}
		return nil
	})
	return through
}

var (
	anyAddress = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	// Members are numbered in the order of a hash table; consumerStatus names a file by the time; consumerProgress
	// shows a rate.
	changing = regexp.MustCompile(`(?m)^\d+ +|\d{13}/|Consume TPS: [\d.]+`)
)

// masked replaces what may differ: addresses of brokers by <name>, those of clients (brokers see different ports)
// by <client>, numbers, times and rates by <->. Lines are sorted, since mqadmin prints hash tables.
func masked(printed string, brokers map[string]string) string {
	for _, name := range slices.Sorted(maps.Keys(brokers)) {
		printed = strings.ReplaceAll(printed, brokers[name], "<"+name+">")
	}
	printed = anyAddress.ReplaceAllString(printed, "<client>")
	printed = changing.ReplaceAllString(printed, "<->")
	lines := strings.Split(printed, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
