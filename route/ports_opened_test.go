package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// The ranges of what a listener opens hold exactly the ports that it opens.
func TestOpenedAreThePortsThatAreOpened(t *testing.T) {
	for _, vip := range []bool{false, true} {
		for length := range 12 {
			for _, fixed := range []map[string]int{nil, {"a": 20003}, {"a": 20000, "b": 20009}} {
				o := route.PortOptions{VIP: vip, Fixed: ports(named(fixed))}
				if length > 0 {
					o.Listen = route.PortRange{First: 20000, Last: 20000 + length - 1}
				}
				for port := 19990; port < 20030; port++ {
					opened := false
					for _, r := range o.Opened() {
						opened = opened || r.Contains(port)
					}
					require.Equal(t, o.Opens(port), opened, "%d of %+v", port, o)
				}
			}
		}
	}
}
