package harness

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestTheProgramImportsNoTestCode keeps the harness, and what only tests need, out of the binary.
func TestTheProgramImportsNoTestCode(t *testing.T) {
	const module = "github.com/rocketmq-proxy/rocketmq-proxy"
	out, err := exec.Command("go", "list", "-deps", module).CombinedOutput()
	require.NoError(t, err, "%s", out)
	packages := strings.Fields(string(out))
	require.Contains(t, packages, module+"/server")
	for _, name := range packages {
		require.False(t, strings.HasPrefix(name, module+"/integration") || strings.HasPrefix(name, module+"/internal/testca") ||
			strings.HasPrefix(name, module+"/internal/jvm"), "the program imports %s", name)
	}
}
