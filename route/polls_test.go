package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

func TestPollsAreWhatABrokerMayHold(t *testing.T) {
	for _, code := range []int32{11, 361, 200050, 50, 200054} {
		require.True(t, route.Poll(code), "%d", code)
	}
	for _, code := range []int32{10, 310, 12, 33, 34, 38, 200051, 200052, 105} {
		require.False(t, route.Poll(code), "%d", code)
	}
}

func TestAPollIsAnsweredThatItComesAgain(t *testing.T) {
	code, ext := route.PollAgain(codec.ReqPullMessage, 4711)
	require.Equal(t, codec.ResPullNotFound, code)
	require.Equal(t, map[string]string{"suggestWhichBrokerId": "0", "nextBeginOffset": "4711", "minOffset": "0", "maxOffset": "4711"}, ext)
	code, ext = route.PollAgain(codec.ReqPopMessage, 0)
	require.Equal(t, codec.ResPollingTimeout, code)
	require.Contains(t, ext, "restNum")
	code, ext = route.PollAgain(codec.ReqNotification, 0)
	require.Equal(t, codec.ResSuccess, code)
	require.Equal(t, "false", ext["hasMsg"])
}

func TestTheOffsetThatAPullAsksFor(t *testing.T) {
	ask := func(code int32, ext map[string]string) (int64, bool) {
		frame := (&codec.Command{Code: code, Ext: ext}).Append(nil, codec.JSON)
		var split codec.Splitter
		split.Limits = codec.Limits{MaxFrame: 1 << 20, MaxHeader: 1 << 20}
		frames, _, err := split.Split(frame, nil)
		require.NoError(t, err)
		return route.AskedOffset(&frames[0].Header, frame[codec.PrefixLen:frames[0].BodyOff])
	}
	offset, ok := ask(11, map[string]string{"queueOffset": "9007199254740993"})
	require.True(t, ok)
	require.Equal(t, int64(9007199254740993), offset)
	for _, odd := range []map[string]string{nil, {"queueOffset": "x"}, {"queueOffset": "-1"}} {
		_, ok = ask(361, odd)
		require.False(t, ok)
	}
	_, ok = ask(200050, map[string]string{"queueOffset": "1"})
	require.False(t, ok)
}
