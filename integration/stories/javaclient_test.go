package stories

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// javaStory is a story of harness/java/src, told by every client version to every target except where it cannot be.
type javaStory struct {
	name string
	// not lists pairs, "client-version target", that cannot tell it. A target stands there by its version or its name; *
	// is any. The reason stands beside each.
	not []string
}

var javaStories = []javaStory{
	{name: "SendSync"},
	{name: "SendAsync"},
	{name: "SendOneway"},
	{name: "SendBatch"},
	// `dev` opens no VIP ports. With several brokers behind one port a consumer's request for its group (38) comes by a
	// connection to the VIP port, which has no heartbeat that would say which broker knows it.
	{name: "SendVipChannel", not: []string{"* dev", "* one-port-of-two"}},
	{name: "AutoCreateTopic"},
	{name: "ConsumeNewTopicAtOnce"},
	{name: "Pull"},
	{name: "LitePull", not: []string{"5.5.0 4.9.7"}},       // sends LITE_PULL_MESSAGE (361), which 4.9.7 answers with code 3
	{name: "LongPoll", not: []string{"* one-port-of-two"}}, // needs a topic on one of the brokers; 17 sets it up on all
	{name: "Orderly"},
	{name: "TagFilter"},
	{name: "SqlFilter", not: []string{"* one-port-of-two"}}, // CHECK_CLIENT_CONFIG (46) comes before the first heartbeat
	{name: "SplitAndTakeOver"},
	{name: "SplitAndTakeOverOrderly"},
	{name: "Broadcast"},
	{name: "Retry"},
	{name: "Delay"},
	{name: "RequestReply"},
	{name: "Transaction"},
	{name: "TransactionCheckBack"},
	{name: "ViewByOffsetId"},
	{name: "QueryByKey"},
	{name: "Trace", not: []string{"5.5.0 4.9.7"}}, // what a 5.5.0 consumer traces does not arrive at a 4.9.7, direct as well
	// The last five are in harness/java/src-5.5.0: they need a client and a broker of 5.x.
	{name: "PopConsumer", not: []string{"4.9.4 *", "* 4.9.7", "* one-port-of-two"}}, // asks with GET_CONSUME_STATS (208), as mqadmin does
	{name: "Timer", not: []string{"4.9.4 *", "* 4.9.7"}},
	{name: "Recall", not: []string{"4.9.4 *", "* 4.9.7"}},
	{name: "AutoBatch", not: []string{"4.9.4 *", "* 4.9.7"}},
	{name: "AutoBatchNewTopic", not: []string{"4.9.4 *", "* 4.9.7"}},
}

// javaStoriesFor returns the stories that a client version can tell to a target.
func javaStoriesFor(client string, target *harness.Target) []string {
	var names []string
	for _, story := range javaStories {
		cannot := slices.ContainsFunc(story.not, func(pair string) bool {
			version, where, _ := strings.Cut(pair, " ")
			return (version == "*" || version == client) && (where == "*" || where == target.Version || where == target.Name)
		})
		if !cannot {
			names = append(names, story.name)
		}
	}
	return names
}

func TestJavaClient550(t *testing.T) {
	t.Parallel()
	harness.EachTarget(t, func(t *testing.T, target *harness.Target) { runJavaStories(t, target, "5.5.0") })
}

func TestJavaClient494(t *testing.T) {
	t.Parallel()
	harness.EachTarget(t, func(t *testing.T, target *harness.Target) { runJavaStories(t, target, "4.9.4") })
}

// javaPatience is longer than the program gives its first request (Fixture.await) and its stories (Stories.MINUTES_PER_STORY).
const javaPatience = 8 * time.Minute

// runJavaStories runs all stories of a client version in one JVM and makes a subtest of each line it reports.
func runJavaStories(t *testing.T, target *harness.Target, clientVersion string) {
	harness.RequireReal(t)
	stories := javaStoriesFor(clientVersion, target)
	classPath, err := harness.StoryClasses(clientVersion)
	require.NoError(t, err)
	home, err := harness.RunSubdir("java-" + clientVersion + "-" + target.Name)
	require.NoError(t, err)
	argv := append([]string{target.NameServer, strings.ReplaceAll(harness.RunID+"-"+clientVersion+"-"+target.Name, ".", "")}, stories...)
	p, err := harness.StartProcess("Java stories", filepath.Join(home, "output"), harness.JavaCommand(home, "768m", classPath, "Stories", argv...)...)
	require.NoError(t, err)
	if target.Proxy != nil {
		p.WatchBypasses(t)
	}
	select {
	case <-p.Exited:
	case <-time.After(javaPatience):
		p.Kill()
	}
	outcomes := readOutcomes(t, p.LogPath)
	for _, story := range stories {
		t.Run(story, func(t *testing.T) {
			outcome, told := outcomes[story]
			switch {
			case !told:
				t.Errorf("the program said nothing about this story; it ended with %v and its output is in %s", p.WaitErr, p.LogPath)
			case !strings.HasPrefix(outcome, "OK"):
				t.Errorf("%s; the output of the program is in %s", outcome, p.LogPath)
			default:
				t.Log(outcome)
			}
		})
	}
}

// readOutcomes reads the lines "STORY name outcome".
func readOutcomes(t *testing.T, path string) map[string]string {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	outcomes := make(map[string]string)
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if rest, found := strings.CutPrefix(lines.Text(), "STORY "); found {
			name, outcome, _ := strings.Cut(rest, " ")
			outcomes[name] = outcome
		}
	}
	require.NoError(t, lines.Err())
	return outcomes
}
