package actors_test

import (
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// A client whose connection ends because its broker is away still gets what was written to it before.
func TestAnswersOnTheirWayOutliveTheBroker(t *testing.T) {
	onBoth(t, func(t *testing.T, on sockets) {
		r := start(t, on, options{})
		small := net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
			return raw.Control(func(fd uintptr) { syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
		}}
		nc, err := small.Dial("tcp", r.port(brokerA))
		require.NoError(t, err)
		client := newPeer(t, nc)
		opaque := client.request(codec.ReqPullMessage, "")
		broker := r.broker.accept()
		asked := broker.next()
		require.Equal(t, opaque, asked.Opaque)
		r.broker.close()
		body := strings.Repeat("x", 200_000)
		broker.answer(asked, body)
		r.until("the answer is under way", func() bool { return r.stat("response_success") == 1 })
		broker.close()
		require.Equal(t, codec.ResServiceNotAvailable, dial(t, r.port(brokerA)).call(&codec.Command{Code: codec.ReqSendMessage}).Code)
		r.until("the clients are let go", func() bool { return len(r.actors("connection")) == 0 })
		answer := client.next()
		require.Equal(t, opaque, answer.Opaque)
		require.Equal(t, body, string(answer.Body))
		client.ends()
	})
}
