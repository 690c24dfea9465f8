package jvm

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCached(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	t.Setenv("ROCKETMQ_PROXY_CACHE", cache)
	broken := errors.New("half of it came")
	_, err := Cached("set", func(dir string) error {
		require.NoError(t, os.WriteFile(filepath.Join(dir, "a.jar"), nil, 0o644))
		return broken
	})
	require.ErrorIs(t, err, broken)
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.Empty(t, entries, "what is not complete is not kept")

	fills := 0
	for range 2 {
		dir, err := Cached("set", func(dir string) error {
			fills++
			return os.WriteFile(filepath.Join(dir, "a.jar"), nil, 0o644)
		})
		require.NoError(t, err)
		require.Equal(t, filepath.Join(cache, "set"), dir)
		require.FileExists(t, filepath.Join(dir, "a.jar"))
	}
	require.Equal(t, 1, fills)
}

func TestJarsWithoutMaven(t *testing.T) {
	t.Setenv("ROCKETMQ_PROXY_CACHE", t.TempDir())
	t.Setenv("PATH", t.TempDir())
	_, err := Jars("server-5.5.0", []byte("<project/>"))
	require.ErrorContains(t, err, "apt install maven")

	// What was fetched before needs no Maven.
	dir, err := Cached("server-5.5.0-"+Fingerprint([]byte("<project/>")), func(string) error { return nil })
	require.NoError(t, err)
	classPath, err := Jars("server-5.5.0", []byte("<project/>"))
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "*"), classPath)
}

// The JVM takes options before the class, and everything after it for the program's own.
func TestCommand(t *testing.T) {
	argv := Command([]string{"-Xmx1g"}, "/home", "/jars/*", "Main", "-c", "conf")
	require.Equal(t, []string{"java", "-Xmx1g"}, argv[:2])
	require.Equal(t, []string{"-cp", "/jars/*", "Main", "-c", "conf"}, argv[len(argv)-5:])
	require.Less(t, slices.Index(argv, "-Drocketmq.home.dir=/home"), len(argv)-5)
}
