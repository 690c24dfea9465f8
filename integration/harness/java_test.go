package harness

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestJarsAreThere fetches all jars and compiles the Java stories, unless that is done. `.ci/run` has it done ahead of the
// stories.
func TestJarsAreThere(t *testing.T) {
	RequireReal(t)
	sets, err := javaFiles.ReadDir("java")
	require.NoError(t, err)
	fetched := 0
	for _, set := range sets {
		name, ok := strings.CutSuffix(set.Name(), ".xml")
		if !ok {
			continue
		}
		_, err := jars(name)
		require.NoError(t, err)
		fetched++
		if version, ok := strings.CutPrefix(name, "client-"); ok {
			_, err := StoryClasses(version)
			require.NoError(t, err)
		}
	}
	require.NotZero(t, fetched)
}
