package rewrite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestEdited(t *testing.T) {
	f := func(e route.Edit, want codec.Command) {
		t.Helper()
		ack := codec.Command{Code: 51, Opaque: 7, Ext: map[string]string{"topic": "News", "offset": "5"}, Body: []byte("body")}
		frame := ack.Append(nil, codec.JSON)
		p, err := codec.ReadPrefix(frame, codec.Limits{})
		require.NoError(t, err)
		var h codec.Header
		require.NoError(t, h.Scan(frame[codec.PrefixLen:p.BodyOff()], codec.JSON))
		got := append(rewrite.Edited(frame[:p.BodyOff():p.BodyOff()], &h, len(ack.Body), &e), ack.Body...)
		c, _, err := codec.Decode(got, codec.Limits{})
		require.NoError(t, err)
		want.Opaque, want.Body = 7, ack.Body
		require.Equal(t, want, *c)
	}
	f(route.Edit{Code: 200051}, codec.Command{Code: 200051, Ext: map[string]string{"topic": "News", "offset": "5"}})
	f(route.Edit{Code: 200051, Handle: "1 2 3"}, codec.Command{Code: 200051, Ext: map[string]string{"topic": "News", "offset": "5", "extraInfo": "1 2 3"}})
	f(route.Edit{Code: 51, Handle: "1 2 3"}, codec.Command{Code: 51, Ext: map[string]string{"topic": "News", "offset": "5", "extraInfo": "1 2 3"}})
}
