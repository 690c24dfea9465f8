package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// operationsFile is where operations outlive the process, in state_dir; "": nowhere.
type operationsFile string

func operationsFileOf(cfg *config.Config) operationsFile {
	if cfg.StateDir == "" {
		return ""
	}
	return operationsFile(filepath.Join(cfg.StateDir, "maintenance.json"))
}

// load reads the state; a missing file is an empty one.
func (f operationsFile) load() (s operationsState, err error) {
	if f == "" {
		return s, nil
	}
	text, err := readState(string(f))
	if err != nil {
		return s, fmt.Errorf("cannot read what is in maintenance (state_dir): %w", err)
	}
	if text == nil {
		return s, nil
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("cannot read what is in maintenance from %s; repair it, or remove it to begin with nothing: %w", f, err)
	}
	for _, m := range s.Maintenance {
		if _, known := route.ParseMaintenanceMode(m.Mode); !known {
			return s, fmt.Errorf("cannot read what is in maintenance from %s: there is no mode %q", f, m.Mode)
		}
	}
	return s, nil
}

// save replaces the file as a whole. While there was never anything to keep there is no file.
func (f operationsFile) save(s operationsState) error {
	if _, err := os.Stat(string(f)); len(s.Maintenance)+len(s.Pauses) == 0 && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return writeState(string(f), s)
}
