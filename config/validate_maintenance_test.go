package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMaintenanceThatIsWrong(t *testing.T) {
	f := func(table string, want ...string) {
		t.Helper()
		_, err := Load(Sources{File: write(t, twoClusters+table)})
		if len(want) == 0 {
			require.NoError(t, err)
			return
		}
		require.Error(t, err)
		for _, words := range want {
			require.ErrorContains(t, err, words)
		}
	}
	f("[[maintenance]]\ncluster = 'a'\n[[maintenance]]\ncluster = 'a'\nbroker = 'a1'\nmode = 'off'\ngrace = '0s'\n[[maintenance]]\ntopic = 'orders'")
	f("[[maintenance]]\n", "maintenance[0]", "it does not say what is in maintenance", "write cluster, broker or topic")
	f("[[maintenance]]\ncluster = 'x'", `maintenance[0].cluster = "x"`, "no [[cluster]] has that name", "write one of a, b, c")
	f("[[maintenance]]\ncluster = 'a'\nmode = 'on'", `maintenance[0].mode = "on"`, `must be one of "read-only", "off"`)
	f("[[maintenance]]\ncluster = 'a'\ngrace = '-1s'", `maintenance[0].grace = "-1s"`, "must not be negative")
	f("[[maintenance]]\ntopic = 'orders'\n[[maintenance]]\ntopic = 'orders'\nmode = 'off'", "maintenance[1]", "is about the same as maintenance[0]")
	for _, timeout := range []string{"3s", "0s", "-1s"} {
		f("[[cluster]]\nname = 'd'\nname_servers = ['10.0.0.9:9876']\npark_timeout = '"+timeout+"'", `cluster[3].park_timeout = "`+timeout+`"`, "must be above zero and below 3s")
	}
}
