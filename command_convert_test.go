package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConvertPrintsTheConfiguration(t *testing.T) {
	code, stdout, stderr := call(nil, "convert", "convert/testdata/routes.yaml")
	require.Equal(t, 0, code, stderr)
	require.Empty(t, stderr)
	want, err := os.ReadFile("convert/testdata/routes.toml")
	require.NoError(t, err)
	require.Equal(t, string(want), stdout)
}

// Whatever cannot be converted leaves nothing on standard output, which may be a file that is about to be used.
func TestConvertRefusesWrongInput(t *testing.T) {
	f := func(says string, args ...string) {
		t.Helper()
		code, stdout, stderr := call(nil, append([]string{"convert"}, args...)...)
		require.Equal(t, 2, code)
		require.Empty(t, stdout)
		require.Contains(t, stderr, says)
	}
	wrong := filepath.Join(t.TempDir(), "envoy.yaml")
	require.NoError(t, os.WriteFile(wrong, []byte("static_resources: { listeners: 7 }"), 0o600))
	f("needs one file, and has 0")
	f("needs one file, and has 2", "a", "b")
	f("none.yaml: cannot read the document: no such file or directory; name a", filepath.Join(t.TempDir(), "none.yaml"))
	f("is a directory", t.TempDir())
	f("static_resources.listeners: must be a list", wrong)
	huge := filepath.Join(t.TempDir(), "huge.yaml")
	require.NoError(t, os.WriteFile(huge, []byte(strings.Repeat("# \n", 2<<20)), 0o600))
	f("longer than", huge)
}
