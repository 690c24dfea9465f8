package integration

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// javaStories are the stories of java/src that every client version tells.
var javaStories = []string{
	"SendSync", "SendAsync", "SendOneway", "SendBatch", "SendVipChannel", "AutoCreateTopic",
	"Pull", "Orderly", "TagFilter", "SqlFilter", "LongPoll",
	"SplitAndTakeOver", "SplitAndTakeOverOrderly", "Broadcast",
	"Retry", "Delay", "RequestReply",
	"Transaction", "TransactionCheckBack",
	"ViewByOffsetId", "QueryByKey",
}

// javaStories550 need brokers of 5.x. The first three are in java/src-5.5.0; lite pull is in every client, but that of
// 5.5.0 sends LITE_PULL_MESSAGE (361), which 4.9.7 answers with code 3.
var javaStories550 = []string{"PopConsumer", "Timer", "Recall", "LitePull"}

func TestJavaClient550(t *testing.T) {
	t.Parallel()
	eachTarget(t, func(t *testing.T, target *Target) {
		stories := javaStories
		if target.Version != "4.9.7" {
			stories = append(stories[:len(stories):len(stories)], javaStories550...)
		}
		tellJavaStories(t, target, "5.5.0", stories)
	})
}

func TestJavaClient494(t *testing.T) {
	t.Parallel()
	eachTarget(t, func(t *testing.T, target *Target) {
		tellJavaStories(t, target, "4.9.4", append(javaStories[:len(javaStories):len(javaStories)], "LitePull"))
	})
}

// javaPatience is longer than the program gives its stories (Stories.MINUTES_PER_STORY).
const javaPatience = 5 * time.Minute

// tellJavaStories runs all stories of a client version in one JVM and makes a subtest of each line it reports.
func tellJavaStories(t *testing.T, target *Target, clientVersion string, stories []string) {
	requireReal(t)
	classPath, err := storyClasses(clientVersion)
	require.NoError(t, err)
	home, err := runSubdir("java-" + clientVersion + "-" + target.Name)
	require.NoError(t, err)
	argv := append([]string{target.NameServer, runID + "-" + strings.ReplaceAll(clientVersion, ".", "") + "-" + strings.ReplaceAll(target.Name, ".", "")}, stories...)
	p, err := startProcess("Java stories", filepath.Join(home, "output"), javaCommand(home, "768m", classPath, "Stories", argv...)...)
	require.NoError(t, err)
	select {
	case <-p.exited:
	case <-time.After(javaPatience):
		p.kill()
	}
	outcomes := readOutcomes(t, p.logPath)
	for _, story := range stories {
		t.Run(story, func(t *testing.T) {
			outcome, told := outcomes[story]
			switch {
			case !told:
				t.Errorf("the program said nothing about this story; it ended with %v and its output is in %s", p.waitErr, p.logPath)
			case !strings.HasPrefix(outcome, "OK"):
				t.Errorf("%s; the output of the program is in %s", outcome, p.logPath)
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
