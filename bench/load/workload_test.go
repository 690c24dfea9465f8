//go:build linux

package load

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/wire"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Sends go to another queue than the one that is pulled from, or answers would be of many small messages.
func TestThePulledMessageIsAlone(t *testing.T) {
	asks, _, err := codec.Decode(Pull.first(PulledSize).AppendTo(nil, wire.FirstOpaque), codec.Limits{})
	require.NoError(t, err)
	require.Equal(t, asks.Ext["queueId"], PulledMessage().Ext["e"])
	require.Equal(t, "0", asks.Ext["queueOffset"])
	require.NotEqual(t, asks.Ext["queueId"], sendFields(shortSend)["e"])
}

// A template differs from what codec makes in nothing but the opaque.
func TestTemplate(t *testing.T) {
	for _, w := range []Workload{Send, Binary, Pop, Pull, Mixed} {
		first, ack := w.templates(1 << 10)
		for _, m := range []*wire.Template{first, ack} {
			if m == nil {
				continue
			}
			want, enc, err := codec.Decode(m.AppendTo(nil, wire.FirstOpaque), codec.Limits{})
			require.NoError(t, err)
			want.Opaque = wire.LastOpaque
			require.Equal(t, want.Append(nil, enc), m.AppendTo(nil, wire.LastOpaque), w)
		}
	}
}
