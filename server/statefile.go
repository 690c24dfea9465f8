package server

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
)

// readState reads a file in state_dir; one that is missing has no text.
func readState(path string) (text []byte, err error) {
	text, err = config.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// writeState replaces a file in state_dir as a whole, so that a crash, also one of the machine, leaves the old or the new
// one. The directory is made if it is missing.
func writeState(path string, state any) error {
	text, err := json.MarshalIndent(state, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return maybe.WriteFile(path, append(text, '\n'), 0o644) // everywhere but on Windows it is synced first
}
