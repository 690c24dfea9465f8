package translate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

// What brokers and name servers send.

func FuzzStored(f *testing.F) {
	f.Add(bytesOf(f, storedV4))
	f.Add(bytesOf(f, storedV6+storedV4))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := ReadStored(b)
		if err != nil {
			return
		}
		for _, m := range all {
			_, err := proto.Marshal(m.message(&pb.Resource{Name: "t"}, StoredView{Handle: "h", Now: now}))
			require.NoError(t, err)
		}
	})
}

func FuzzPopAnswer(f *testing.F) {
	f.Add("0 3 100;2 0 7", "0 3 73588229205;2 0 7", "0 3 1;0 qo3%104 2", bytesOf(f, storedV4))
	f.Fuzz(func(t *testing.T, starts, offsets, counts string, body []byte) {
		r, err := ReadReceive(aReceive(), Names{}, time.Minute)
		require.NoError(t, err)
		all, err := r.ReadAnswer("broker-a", &codec.Command{Body: body, Ext: map[string]string{
			"popTime": "1700000000000", "invisibleTime": "60000", "reviveQid": "5", "startOffsetInfo": starts, "msgOffsetInfo": offsets, "orderCountInfo": counts,
		}})
		for _, p := range all {
			r.Message(p, now)
			r.GiveBack(p)
		}
		if err == nil {
			require.NotEmpty(t, all, "an answer without messages is an error")
		}
	})
}

func FuzzRoute(f *testing.F) {
	f.Add([]byte(twoBrokers))
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ReadRoute(b); err == nil && len(b) < 1<<12 {
			QueryRoute(&pb.Resource{Name: "t"}, r, "", nil)
			QueryAssignment(&pb.Resource{Name: "t"}, r, Group{Orderly: true}, nil)
			r.Writable()
		}
	})
}

func FuzzConfigurations(f *testing.F) {
	f.Add([]byte(`{"consumeTimeoutMinute":3,"groupRetryPolicy":{"type":"EXPONENTIAL"},"attributes":{"message.type":"FIFO"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		g := ReadGroup(&codec.Command{Body: b})
		require.Positive(t, g.ConsumeTimeout)
		require.Positive(t, g.MaxAttempts())
		require.NotNil(t, g.backoff(true).Strategy)
		require.NotEmpty(t, Accepts(ReadTopicType(&codec.Command{Body: b})))
	})
}

// What clients send.

func FuzzHandle(f *testing.F) {
	f.Add(handleOfProxy)
	f.Add("1.YnJva2VyLWE.12.345.id")
	f.Fuzz(func(t *testing.T, text string) {
		if h, err := ReadHandle(text); err == nil {
			again, err := ReadHandle(h.String())
			require.NoError(t, err)
			require.Equal(t, h, again)
		}
		if id, err := ReadTransactionID(text); err == nil {
			again, err := ReadTransactionID(id.String())
			require.NoError(t, err)
			require.Equal(t, id, again)
		}
	})
}

func FuzzRequests(f *testing.F) {
	add := func(m proto.Message) {
		b, err := proto.Marshal(m)
		require.NoError(f, err)
		f.Add(b)
	}
	add(&pb.SendMessageRequest{Messages: []*pb.Message{aMessage(), aMessage()}})
	add(aReceive())
	add(anAck(handleOfProxy))
	add(producer())
	f.Fuzz(func(t *testing.T, b []byte) {
		var send pb.SendMessageRequest
		if proto.Unmarshal(b, &send) == nil {
			if s, err := ReadSend(&send, Publishing{Now: now}); err == nil {
				frame := s.Command(0).Append(nil, codec.JSON)
				c, _, err := codec.Decode(frame, codec.Limits{MaxFrame: 64 << 20, MaxHeader: 1 << 20})
				require.NoError(t, err)
				require.Equal(t, s.Command(0).Ext, c.Ext)
			}
		}
		var receive pb.ReceiveMessageRequest
		if proto.Unmarshal(b, &receive) == nil {
			if r, err := ReadReceive(&receive, Names{}, time.Minute); err == nil {
				r.Command(time.Minute, false, false)
			}
		}
		var ack pb.AckMessageRequest
		if proto.Unmarshal(b, &ack) == nil {
			if a, err := ReadAck(&ack, Names{}, popTime); err == nil {
				require.Len(t, a.Response().Entries, len(ack.Entries))
			}
		}
		var settings pb.Settings
		if proto.Unmarshal(b, &settings) == nil {
			if c, err := ReadSettings(&settings, Names{}); err == nil {
				require.NotNil(t, c.Settings(DefaultGroup()).BackoffPolicy)
			}
		}
	})
}
