package stories

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

func TestNodeClient(t *testing.T) {
	t.Parallel()
	harness.EachTarget(t, func(t *testing.T, target *harness.Target) { sendAndReceive(t, target, harness.NodeStory) })
}

// sendAndReceive has a program send messages and receive them, each once.
func sendAndReceive(t *testing.T, target *harness.Target, program func(t *testing.T, args ...string) *exec.Cmd) {
	harness.RequireReal(t)
	var bodies []string
	for i := range 50 {
		bodies = append(bodies, fmt.Sprintf("body-%02d", i))
	}
	topic := target.TopicOnOneBroker(t, 1)
	cmd := program(t, append([]string{target.NameServer, topic, harness.Unique(t, "group")}, bodies...)...)
	p, err := harness.StartCommand(t.Name(), filepath.Join(cmd.Dir, "output"), cmd)
	require.NoError(t, err)
	t.Cleanup(p.Kill)
	if target.Proxy != nil {
		p.WatchBypasses(t)
	}
	require.NoError(t, p.AwaitEnd(), "%s", p.LastOutput())
	output, err := os.ReadFile(p.LogPath)
	require.NoError(t, err)
	var received []string
	for line := range strings.Lines(string(output)) {
		if body, ok := strings.CutPrefix(strings.TrimSpace(line), "received "); ok {
			received = append(received, body)
		}
	}
	slices.Sort(received)
	require.Equal(t, bodies, received)
}
