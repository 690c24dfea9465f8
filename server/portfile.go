package server

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// portFile is where a listener's port table outlives the process: {"broker-a/0": 20000}.
type portFile string

func portFileOf(cfg *config.Config, l *config.Listener) portFile {
	return portFile(filepath.Join(cfg.StateDir, "ports-"+l.Name+".json"))
}

// load reads the table; a missing file is an empty one.
func (f portFile) load() (map[route.BrokerID]int, error) {
	text, err := readState(string(f))
	if err != nil {
		return nil, fmt.Errorf("cannot read the port table (state_dir): %w", err)
	}
	if text == nil {
		return nil, nil
	}
	var named map[string]int
	if err := json.Unmarshal(text, &named); err != nil {
		return nil, fmt.Errorf("cannot read the port table %s; repair it, or remove it to assign ports again: %w", f, err)
	}
	ports := make(map[route.BrokerID]int, len(named))
	for key, port := range named {
		id, err := route.ParseBrokerID(key)
		if err != nil {
			return nil, fmt.Errorf("cannot read the port table %s: %w", f, err)
		}
		ports[id] = port
	}
	return ports, nil
}

// save replaces the file as a whole.
func (f portFile) save(ports map[route.BrokerID]int) error {
	named := make(map[string]int, len(ports))
	for id, port := range ports {
		named[id.String()] = port
	}
	return writeState(string(f), named)
}
