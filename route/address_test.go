package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestAddressesAreCutAtTheLastColon(t *testing.T) {
	f := func(address, host string, port uint16, dial string) {
		t.Helper()
		gotHost, gotPort, err := route.SplitAddress(address)
		require.NoError(t, err)
		require.Equal(t, host, gotHost)
		require.Equal(t, port, gotPort)
		require.Equal(t, dial, route.DialAddress(address))
	}
	f("10.0.0.1:10911", "10.0.0.1", 10911, "10.0.0.1:10911")
	f("broker-a.example:1", "broker-a.example", 1, "broker-a.example:1")
	f("fd00::7:10911", "fd00::7", 10911, "[fd00::7]:10911") // as a broker with brokerIP1=fd00::7 registers
	f("[fd00::7]:10911", "fd00::7", 10911, "[fd00::7]:10911")
	f("2001:db8:0:0:0:0:0:1:10911", "2001:db8:0:0:0:0:0:1", 10911, "[2001:db8:0:0:0:0:0:1]:10911") // as Java prints it
	f("fe80::1%eth0:65535", "fe80::1%eth0", 65535, "[fe80::1%eth0]:65535")
}

func TestAddressesThatCannotBeDialed(t *testing.T) {
	f := func(address, want string) {
		t.Helper()
		_, _, err := route.SplitAddress(address)
		require.ErrorContains(t, err, "cannot read the broker address")
		require.ErrorContains(t, err, want)
		require.Equal(t, address, route.DialAddress(address), "the dial refuses it")
	}
	f("", "no port")
	f("broker-a", "no port")
	f(":10911", "no host")
	f("[]:10911", "no host")
	f("[::1:10911", "no host")
	f("a b:10911", "no host")
	f("broker-a:", `"" is not a port`)
	f("broker-a:0", `"0" is not a port`)
	f("broker-a:65536", `"65536" is not a port`)
	f("broker-a:x", `"x" is not a port`)
}
