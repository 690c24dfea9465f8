package grpc

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/translate"
)

// SDKs send again what was not answered in time, and then it comes twice: who waits for 20 s is not told after 3 s.
func TestABrokerMayTakeAsLongAsTheClientWaits(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		20 * time.Second: 20*time.Second - replyTime, 3 * time.Second: 3*time.Second - replyTime,
		10 * time.Millisecond: time.Millisecond, time.Hour: longestAnswer, translate.NoDeadline: answerTimeout,
	} {
		require.Equal(t, want, patienceOf(left), "a client that waits for %v", left)
	}
}
