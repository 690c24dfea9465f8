package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// A broker's name in files and configuration reads as it was written, and only so.
func FuzzParseBrokerID(f *testing.F) {
	for _, s := range []string{"broker-a/0", "a/b/12", "x/-1", "x/01", "x/+1", "/0", "x/", "", "x/9223372036854775808"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := route.ParseBrokerID(s)
		if err == nil {
			require.Equal(t, s, id.String())
		}
	})
}
