package rewrite_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/rewrite"
)

func TestWhereFramesHaveStoreHosts(t *testing.T) {
	body := rewrite.Hosts{Body: true}
	answers := map[int32]rewrite.Hosts{
		10: {IDs: "msgId"}, 310: {IDs: "msgId"}, 320: {IDs: "msgId"},
		11: body, 361: body, 200050: body, 50: body, 200052: body, 12: body, 33: body,
	}
	requests := map[int32]rewrite.Hosts{39: {IDs: "offsetMsgId", Body: true}, 309: body, 326: {Address: "storeHost"}}
	for code := int32(-1); code < 300_000; code++ {
		require.Equal(t, answers[code], rewrite.InAnswer(code), "answer to %d", code)
		require.Equal(t, requests[code], rewrite.InRequest(code), "request %d", code)
	}
}

// rewriteHead gives a command's head to Hosts and returns the command that comes out of it.
func rewriteHead(t *testing.T, at rewrite.Hosts, c codec.Command, enc codec.Encoding) (_ codec.Command, inPlace bool) {
	t.Helper()
	frame := c.Append(nil, enc)
	p, err := codec.ReadPrefix(frame, codec.Limits{})
	require.NoError(t, err)
	var h codec.Header
	require.NoError(t, h.Scan(frame[codec.PrefixLen:p.BodyOff()], enc))
	changed := at.Head(frame[:p.BodyOff()], &h, len(c.Body), told)
	if changed != nil {
		frame = append(changed, c.Body...)
	}
	got, _, err := codec.Decode(frame, codec.Limits{})
	require.NoError(t, err)
	return *got, changed == nil
}

func TestHeadsAreRewrittenInBothEncodings(t *testing.T) {
	f := func(at rewrite.Hosts, key, value, want string) {
		t.Helper()
		for _, enc := range []codec.Encoding{codec.JSON, codec.Binary} {
			c := codec.Command{Code: 39, Opaque: 7, Remark: "r", Ext: map[string]string{"a": value, key: value, "z": "1"}, Body: []byte("body")}
			got, inPlace := rewriteHead(t, at, c, enc)
			require.Equal(t, len(value) == len(want) && at.Address == "" || value == want, inPlace)
			c.Ext[key] = want
			require.Equal(t, c, got)
		}
	}
	ids := rewrite.InRequest(codec.ReqCheckTransactionState)
	f(ids, "offsetMsgId", idV4, "C0A8070800004E200000000066778899")
	f(ids, "offsetMsgId", "7F0000010A5C18B4AAC21F4F0B8A0000", "7F0000010A5C18B4AAC21F4F0B8A0000")
	f(ids, "other", idV4, idV4)
	f(rewrite.InAnswer(codec.ReqSendBatchMessage), "msgId", idV4+","+idV4, "C0A8070800004E200000000066778899,C0A8070800004E200000000066778899")
	f(rewrite.InAnswer(codec.ReqPullMessage), "msgId", idV4, idV4)

	address := rewrite.InRequest(codec.ReqPushReplyMessageToClient)
	f(address, "storeHost", "10.0.0.1:10911", "192.168.7.8:20000")
	f(address, "storeHost", "2001:db8:0:0:0:0:0:1:10911", "2001:db8::ff:20000") // as Java writes it
	f(address, "storeHost", "[2001:db8::1]:10911", "2001:db8::ff:20000")
	f(address, "storeHost", "/10.0.0.1:10911", "/192.168.7.8:20000")
	f(address, "storeHost", "broker-a.example.com/10.0.0.1:10911", "/192.168.7.8:20000")
	f(address, "storeHost", "/[2001:db8:0:0:0:0:0:1]:10911", "/2001:db8::ff:20000")
	f(address, "storeHost", "10.0.0.3:10911", "10.0.0.3:10911") // unknown
	f(address, "storeHost", "broker-a:10911", "broker-a:10911")
	f(address, "storeHost", "nonsense", "nonsense")
	f(address, "bornHost", "10.0.0.1:10911", "10.0.0.1:10911")
}
