package route_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
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

// Whatever a client says on a one-port listener is decided, after asking for a bounded number of topics once.
func FuzzDecideOnOnePort(f *testing.F) {
	for code, kind := range requestCodes {
		for _, bname := range []string{"", "a1", "__syslo__global__"} {
			c, body := requestOf(code, kind, bname)
			f.Add(code, c.Ext["topic"], bname, []byte(body))
		}
	}
	f.Add(int32(41), "", "", []byte(`{"mqSet":[{"brokerName":"__syslo__","topic":"A"},{"brokerName":"__syslo__","topic":"B"}]}`))
	f.Fuzz(func(t *testing.T, code int32, topic, bname string, body []byte) {
		client := &route.Client{Body: body, Linked: []route.BrokerID{{Name: "a2"}}}
		for range 3 { // a queue of a static topic is looked for in one cluster after another
			c := &codec.Command{Code: code, Ext: map[string]string{"topic": topic, "b": topic, "originTopic": topic, "bname": bname, "extraInfo": bname}}
			v := decide(brokers("a1", "a2", "b1", "b1/1"), onOnePort(client), c)
			if v.Action != route.AskTopics {
				require.True(t, v.Action != route.FanOutTo || v.FanOut != nil)
				return
			}
			require.LessOrEqual(t, len(*v.Ask), 200)
			for _, key := range *v.Ask {
				client.Learn(key, route.Topic{Brokers: []route.TopicBroker{{Name: "a1"}, {Name: "b1"}}})
			}
		}
		t.Fatal("it asks again")
	})
}
