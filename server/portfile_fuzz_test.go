package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// A port table that is read is written back the same, one that is not is named in the error, and whatever a listener
// makes of it gives no port to two brokers.
func FuzzPortFile(f *testing.F) {
	for _, text := range []string{
		`{"broker-a/0": 20000, "broker-a/1": 20001}`, `{}`, `null`, ``, `{"broker-a": 1}`, `{"a/0": 20000, "b/0": 20000}`,
		`{"a/0": -1}`, `{"a/0": 99999}`, `{"a/0": 1.5}`, `{"a/0": 20000, "a/0": 20001}`, `[1]`, strings.Repeat(`{"a":`, 1000),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file := portFile(filepath.Join(t.TempDir(), "ports.json"))
		require.NoError(t, os.WriteFile(string(file), text, 0o600))
		ports, err := file.load()
		if err != nil {
			require.Contains(t, err.Error(), string(file))
			return
		}
		table, err := route.NewPortTable(route.PortOptions{Listen: route.PortRange{First: 20000, Last: 20009}}, ports)
		if err == nil && table == nil {
			t.Fatal("no table and no error")
		}
		require.NoError(t, file.save(ports))
		again, err := file.load()
		require.NoError(t, err)
		require.Len(t, again, len(ports))
		for id, port := range ports {
			require.Equal(t, port, again[id])
		}
	})
}
