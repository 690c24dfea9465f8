package grpc_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
	"github.com/rocketmq-proxy/rocketmq-proxy/translate/pb"
)

func TestCallsCountAsTheRequestsThatRemotingClientsWouldHaveSent(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		call[pb.QueryRouteResponse](c, "QueryRoute", &pb.QueryRouteRequest{Topic: resource("orders")})
		call[pb.HeartbeatResponse](c, "Heartbeat", &pb.HeartbeatRequest{})
		require.Equal(t, pb.Code_OK, c.send(message("orders", "one")).Status.Code)
		require.Equal(t, pb.Code_OK, c.send(message("orders", "two")).Status.Code)
		handles := []string{}
		for _, m := range c.receiveAll("orders", 2) {
			handles = append(handles, m.SystemProperties.GetReceiptHandle())
		}
		require.Equal(t, pb.Code_OK, c.ack("orders", handles...).Status.Code)
		require.Equal(t, pb.Code_TOPIC_NOT_FOUND, c.send(message("nothing", "lost")).Status.Code)
		call[pb.NotifyClientTerminationResponse](c, "NotifyClientTermination", &pb.NotifyClientTerminationRequest{})

		f.Until("all is counted, that of calls and that of links", func() bool {
			receives := 0
			for _, code := range []string{"OK", "MESSAGE_NOT_FOUND"} {
				receives += f.counted(`rocketmq_proxy_grpc_calls_total{listener="office",method="ReceiveMessage",code="` + code + `"}`)
			}
			return f.Stat("unregister") == 1 && f.Stat("send_message_v2") == 3 && f.Stat("ack_message") == 1 &&
				f.Stat("pop_message") == receives && f.Stat("request_active") == 0
		})
		require.Equal(t, 1, f.Stat("get_topic_route"))
		require.Equal(t, 1, f.Stat("heartbeat"))
		require.Equal(t, 3, f.Stat("send_message_v2"))
		require.Equal(t, 1, f.Stat("ack_message"), "both together")
		pops := f.Stat("pop_message")
		require.GreaterOrEqual(t, pops, 1)
		require.Equal(t, pops+7, f.Stat("request"))
		require.Equal(t, pops+7, f.Stat("request_decoding_success"))
		require.Equal(t, 1, f.Stat("response_error"), "the send to a topic that does not exist")
		require.Equal(t, pops+6, f.Stat("response_success"))
		require.GreaterOrEqual(t, f.Stat("response"), pops+3, "with what the proxy asks on its own")
		require.Equal(t, 2, f.counted(`rocketmq_proxy_requests_total{listener="office",port="grpc",broker="broker-a/0",request_code="310",name="SEND_MESSAGE_V2"}`))
		require.Equal(t, 1, f.counted(`rocketmq_proxy_requests_total{listener="office",port="grpc",broker="",request_code="310",name="SEND_MESSAGE_V2"}`))
		require.Equal(t, 1, f.counted(`rocketmq_proxy_requests_total{listener="office",port="grpc",broker="",request_code="105",name="GET_ROUTEINFO_BY_TOPIC"}`))
		require.Equal(t, 1, f.counted(`rocketmq_proxy_local_replies_total{listener="office",port="grpc",broker="",response_code="17"}`))
		require.Equal(t, 2, f.counted(`rocketmq_proxy_upstream_connections_total{listener="office",port="grpc",broker="broker-a/0"}`))
		require.Equal(t, 2, f.counted(`rocketmq_proxy_grpc_calls_total{listener="office",method="SendMessage",code="OK"}`))
		require.Equal(t, 1, f.counted(`rocketmq_proxy_grpc_calls_total{listener="office",method="SendMessage",code="TOPIC_NOT_FOUND"}`))
		require.Equal(t, 1, f.counted(`rocketmq_proxy_grpc_sessions{listener="office"}`))
	})
}

func TestCallsThatAreNotServedAreCounted(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		err := c.conn.Invoke(c.context(10*time.Second), path("Nothing"), &pb.HeartbeatRequest{}, &pb.HeartbeatResponse{})
		require.Equal(t, codes.Unimplemented, status.Code(err))
		err = c.conn.Invoke(c.context(10*time.Second), path("SendMessage"), wrapperspb.Bytes([]byte{0xff}), &pb.SendMessageResponse{})
		require.NoError(t, err)
		c.id = ""
		call[pb.HeartbeatResponse](c, "Heartbeat", &pb.HeartbeatRequest{})
		f.Until("all are counted", func() bool {
			return f.counted(`rocketmq_proxy_grpc_calls_total{listener="office",method="Heartbeat",code="CLIENT_ID_REQUIRED"}`) == 1
		})
		require.Equal(t, 1, f.counted(`rocketmq_proxy_grpc_calls_total{listener="office",method="other",code="UNIMPLEMENTED"}`))
		require.Equal(t, 1, f.counted(`rocketmq_proxy_grpc_calls_total{listener="office",method="SendMessage",code="BAD_REQUEST"}`))
		require.Equal(t, 1, f.Stat("request_decoding_error"))
	})
}

func TestARequestIsActiveUntilItsBrokerAnswersAlsoIfItsClientIsGone(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		f := start(t, on, embedded.Options{})
		c := f.client()
		polled := f.polls()
		ctx, cancel := context.WithCancel(c.context(10 * time.Second))
		stream := c.open(ctx, "ReceiveMessage", receiveRequest("orders"))
		require.NoError(t, stream.CloseSend())
		<-polled
		f.Until("the poll is active", func() bool { return f.Stat("pop_message_active") == 1 })
		cancel()
		f.Until("the call is over", func() bool {
			return f.counted(`rocketmq_proxy_grpc_calls_total{listener="office",method="ReceiveMessage",code="CANCELED"}`) == 1
		})
		require.Equal(t, 1, f.Stat("request_active"))
		require.Equal(t, pb.Code_OK, f.client().send(message("orders", "wakes it")).Status.Code)
		f.Until("the broker has answered", func() bool { return f.Stat("request_active") == 0 })
	})
}
