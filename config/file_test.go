package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFilesAreReadUpToABound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("text"), 0o600))
	text, err := ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "text", string(text))

	require.NoError(t, os.Truncate(path, maxFile))
	text, err = ReadFile(path)
	require.NoError(t, err)
	require.Len(t, text, maxFile)

	require.NoError(t, os.Truncate(path, 1<<40)) // sparse
	_, err = ReadFile(path)
	var where *fs.PathError
	require.ErrorAs(t, err, &where)
	require.Equal(t, path, where.Path)
	require.ErrorContains(t, err, "longer than 16MiB")
	_, err = Load(Sources{File: path})
	require.ErrorContains(t, err, "longer than 16MiB")
}
