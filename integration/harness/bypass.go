package harness

import (
	"maps"
	"slices"
	"testing"
	"time"
)

// WatchBypasses looks, until the process exits, for connections past the proxy to the servers behind it. On one
// machine clients reach those as well as the proxy, so a story that went there would succeed.
func WatchBypasses(t *testing.T, p *Process, target *Target) <-chan []string {
	t.Helper()
	found := make(chan []string, 1)
	if target.Proxy == nil || target.Cluster == nil {
		found <- nil
		return found
	}
	servers, err := target.Cluster.ports()
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		seen := make(map[string]bool)
		for p.Running() {
			connected, err := connectedTo(p.cmd.Process.Pid)
			if err != nil {
				seen[err.Error()] = true
			}
			for port, server := range servers {
				if connected[port] {
					seen[server] = true
				}
			}
			select {
			case <-p.Exited:
			case <-time.After(200 * time.Millisecond): // connections stay until their client is shut down
			}
		}
		found <- slices.Sorted(maps.Keys(seen))
	}()
	return found
}
