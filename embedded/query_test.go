package embedded_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func TestQueryByKeyAndByID(t *testing.T) {
	cl, clock := manual(t, embedded.Options{})
	p := dial(t, cl.Broker("broker-a").Addr())
	f := sendFields("News", 0, "KEYS\x01k1 k2\x02UNIQ_KEY\x01u1\x02")
	require.Equal(t, codec.ResSuccess, p.call(codec.ReqSendMessage, f, "one").Code)
	clock.Advance(time.Second)
	p.send("News", 0, "two", "KEYS=k2 UNIQ_KEY=u2")
	query := func(key, more string) *codec.Command {
		q := ext("topic=News maxNum=32 beginTimestamp=0 endTimestamp=9999999999999 " + more)
		q["key"] = key
		return p.call(codec.ReqQueryMessage, q, "")
	}
	require.Equal(t, []string{"two", "one"}, bodies(messages(t, query("k2", "").Body)))
	require.Equal(t, []string{"two"}, bodies(messages(t, query("k2", "maxNum=1").Body)))
	require.Equal(t, []string{"one"}, bodies(messages(t, query("u1", "_UNIQUE_KEY_QUERY=true").Body)))
	require.Equal(t, codec.ResQueryNotFound, query("k1", "_UNIQUE_KEY_QUERY=true").Code)
	require.Equal(t, codec.ResQueryNotFound, query("k1", "endTimestamp=5").Code)

	offset := messages(t, query("u1", "").Body)[0].offset
	require.Equal(t, []string{"one"}, bodies(messages(t, p.ok(codec.ReqViewMessageByID, "offset="+itoa(offset), "").Body)))
	require.Equal(t, codec.ResSystemError, p.call(codec.ReqViewMessageByID, ext("offset=3"), "").Code)
}
