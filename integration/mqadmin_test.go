package integration

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/stretchr/testify/require"
)

func TestMQAdmin550(t *testing.T) {
	t.Parallel()
	// Not on 4.9.7: consumerProgress of 5.5.0 asks for the topic's configuration (351), which 4.9.7 refuses.
	eachTargetOf(t, []string{embeddedVersion, "5.5.0"}, func(t *testing.T, target *Target) { mqadminStory(t, target, "5.5.0") })
}

func TestMQAdmin494(t *testing.T) {
	t.Parallel()
	eachTarget(t, func(t *testing.T, target *Target) { mqadminStory(t, target, "4.9.4") })
}

// mqadminStory makes a topic, has a group of two consume it, and looks at both with mqadmin. Where there is a real
// cluster behind the target, each command has to print the same there, but for addresses and what changes by itself.
func mqadminStory(t *testing.T, target *Target, version string) {
	tool := &mqadminSession{t: t, target: target, javaShell: startJavaShell(t, version)}
	topic, group := unique(t, "topic"), unique(t, "group")

	printed := tool.run("updateTopic", "-c", "DefaultCluster", "-t", topic, "-r", "3", "-w", "3")
	require.Contains(t, printed, "create topic to", "updateTopic")
	await(t, func() error {
		route, err := routeOf(t.Context(), target.NameServer, topic)
		if err == nil && len(route) != len(target.Brokers) {
			err = fmt.Errorf("topic %s is on %v; want all of %v", topic, route, target.Brokers)
		}
		return err
	})

	route := tool.same("topicRoute", "-t", topic)
	for broker := range target.Brokers {
		require.Contains(t, route, "<"+broker+">", "topicRoute shows the address")
	}
	list := tool.sameFirstColumns(5, "clusterList")
	for broker := range target.Brokers {
		require.Regexp(t, `DefaultCluster +`+broker+` +0 +<`+broker+`>`, list, "clusterList")
	}

	p := target.Producer(t)
	bodies := randomBodies(30)
	for _, body := range bodies {
		send(t, p, primitive.NewMessage(topic, body))
	}
	// The members are Java clients of the tool's version: the Go client cannot answer to consumerStatus while it has
	// consumed nothing in the last minute ("json marshal error: json: unsupported value: NaN").
	members := []string{unique(t, "client"), unique(t, "client")}
	for _, member := range members {
		require.NoError(t, tool.startMember(target.NameServer, topic, group, member))
	}
	before := tool.awaitReceived(bodies, nil)

	// mqadmin finds the brokers of a group by the route of its retry topic, which is made with the first heartbeat; a
	// proxy that was asked for it before may say for some seconds more that it does not exist.
	await(t, func() error {
		if connections := tool.run("consumerConnection", "-g", group); strings.Contains(connections, "Exception") {
			return errors.New(connections)
		}
		return nil
	})
	connections := tool.same("consumerConnection", "-g", group)
	require.Equal(t, 2, strings.Count(connections, "<client>"), "clients in\n%s", connections)
	require.Contains(t, connections, topic)

	// Offsets are committed behind the consumption, each 5 s.
	await(t, func() error {
		if progress := tool.run("consumerProgress", "-g", group); !strings.Contains(progress, "Diff Total: 0\n") {
			return fmt.Errorf("consumerProgress does not see everything consumed:\n%s", progress)
		}
		return nil
	})
	progress := tool.same("consumerProgress", "-g", group)
	require.Equal(t, 3*len(target.Brokers), strings.Count(progress, topic), "queues in\n%s", progress)

	// Asks both clients by way of the broker (307).
	status := tool.same("consumerStatus", "-g", group)
	for _, member := range members {
		require.Regexp(t, "@"+member+" +V", status, "consumerStatus shows the client and its version")
	}
	require.NotContains(t, status, "Exception")

	// To a time before all of it: everything has to come once more.
	reset := tool.run("resetOffsetByTime", "-g", group, "-t", topic, "-s", fmt.Sprint(time.Now().Add(-time.Hour).UnixMilli()))
	require.NotContains(t, reset, "Exception")
	tool.awaitReceived(bodies, before)
}

// awaitReceived waits until the members have got every body more often than before, and nothing else, and returns
// how often. (How often exactly is not theirs to say: while a group forms, two members may get the same message.)
func (s *mqadminSession) awaitReceived(bodies [][]byte, before map[checksum]int) map[checksum]int {
	s.t.Helper()
	var times map[checksum]int
	await(s.t, func() (err error) {
		if times, err = s.received(); err != nil {
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
	target *Target
	*javaShell
}

func (s *mqadminSession) run(words ...string) string {
	s.t.Helper()
	printed, err := s.mqadmin(s.target.NameServer, words...)
	require.NoError(s.t, err)
	return printed
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
	through := masked(part(s.run(words...)), s.target.Brokers)
	if s.target.cluster == nil {
		return through
	}
	brokers, err := masters(s.t.Context(), s.target.Direct())
	require.NoError(s.t, err)
	printed, err := s.mqadmin(s.target.Direct(), words...)
	require.NoError(s.t, err)
	direct := masked(part(printed), brokers)
	require.Equal(s.t, direct, through, "mqadmin %s through the proxy; want as direct", strings.Join(words, " "))
	return through
}

var (
	anyAddress = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	// Members are numbered in the order of a hash table; consumerStatus names a file by the time; consumerProgress
	// shows a rate.
	changing = regexp.MustCompile(`(?m)^\d+ +|\d{13}/|Consume TPS: [\d.]+`)
)

// masked replaces what may differ: addresses of brokers by <name>, those of clients (each broker sees other ports)
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
