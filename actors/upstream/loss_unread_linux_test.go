package upstream_test

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// A client whose connection ends because its broker is away still gets what was written to it before.
func TestAnswersOnTheirWayOutliveTheBroker(t *testing.T) {
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		r := proxytest.Start(t, on, proxytest.Options{})
		small := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
		}}
		nc, err := small.Dial("tcp", r.Port(proxytest.BrokerA))
		require.NoError(t, err)
		client := proxytest.NewClient(t, nc)
		opaque := client.Request(codec.ReqPullMessage, "")
		broker := r.Broker.Accept()
		asked := broker.Next()
		require.Equal(t, opaque, asked.Opaque)
		r.Broker.Close()
		body := strings.Repeat("x", 200_000)
		broker.Answer(asked, body)
		r.Until("the answer is under way", func() bool { return r.Stat("response_success") == 1 })
		broker.Close()
		require.Equal(t, codec.ResServiceNotAvailable, proxytest.Dial(t, r.Port(proxytest.BrokerA)).Call(&codec.Command{Code: codec.ReqSendMessage}).Code)
		r.Until("the clients are let go", func() bool { return len(r.Actors("connection")) == 0 })
		answer := client.Next()
		require.Equal(t, opaque, answer.Opaque)
		require.Equal(t, body, string(answer.Body))
		client.Ends()
	})
}
