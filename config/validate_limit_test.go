package config

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func loadLimits(text string) (*Config, error) {
	return load(Sources{File: "proxy.toml"}, []byte("[[cluster]]\nname_servers = [\"10.0.0.1:9876\"]\n[[listener]]\nname = \"office\"\n"+text))
}

func TestLimitsAreRead(t *testing.T) {
	cfg, err := loadLimits(`
[[limit]]
name = "orders"
listener = "office"
topic = { exact = "orders" }
client = { prefix = "10.", invert = true }
address = ["10.1.0.0/16", "192.0.2.1"]
per = "group"
requests_per_second = 1000
burst = 2000
bytes_per_second = "10MiB"
in_flight = 100
`)
	require.NoError(t, err)
	require.Equal(t, []Limit{{
		Name: "orders", Listener: "office", Topic: Matcher{Exact: "orders"}, Client: Matcher{Prefix: "10.", Invert: true},
		Addresses: []string{"10.1.0.0/16", "192.0.2.1"}, Per: PerGroup, RequestsPerSecond: 1000, Burst: 2000, BytesPerSecond: 10 * MiB, InFlight: 100,
	}}, cfg.RequestLimits)
	require.False(t, cfg.RequestLimits[0].Everywhere())
}

func TestLimitsThatCannotBeUsedAreRefused(t *testing.T) {
	f := func(says, keys string) {
		t.Helper()
		_, err := loadLimits("[[limit]]\n" + keys)
		require.ErrorContains(t, err, says)
	}
	const good = "name = \"x\"\nin_flight = 1\n"
	_, err := loadLimits("[[limit]]\n" + good)
	require.NoError(t, err)
	f(`limit[0] of limit "x": limits nothing; give it requests_per_second`, `name = "x"`)
	f("limit[0].name", "in_flight = 1")
	f("is the same as limit[0].name", good+"[[limit]]\n"+good)
	f(`limit[0].listener = "home" of limit "x"`, good+`listener = "home"`)
	f("limit[0].address = []", good+"address = []")
	f("must be a network or an address", good+`address = ["here"]`)
	f("limit[0].topic.regex", good+`topic = { regex = "(" }`)
	f("has more than one matcher", good+`group = { exact = "a", prefix = "b" }`)
	f("has nothing to match with", good+`client = { invert = true }`)
	f("limit[0].per", good+`per = "broker"`)
	f("limit[0].requests_per_second", good+"requests_per_second = -1")
	f("limit[0].in_flight", "name = \"x\"\nin_flight = -1")
	f("limit[0].burst", good+"burst = 7")
	f("limit[0].burst", good+"requests_per_second = 1\nburst = -7")
	f("limit[0].bytes_per_second", good+`bytes_per_second = "fast"`)
	f("unknown key", good+"requests = 1")
}
