package embedded_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func TestCloseLeavesNoGoroutine(t *testing.T) {
	cl, err := embedded.Start(embedded.Options{Brokers: []embedded.BrokerOptions{{}, {ID: 1}}, VIPChannel: true})
	require.NoError(t, err)
	b := cl.Broker("broker-a")
	p := dial(t, b.Addr())
	p.beat("c1", []string{"g:News"}, "pg")
	p.send("News", 0, "x", "DELAY=3")
	p.write(codec.ReqPullMessage, pullFields("g", "News", 0, 0, "sysFlag=6"), "")
	b.Fault(codec.ReqGetMaxOffset, embedded.Hold())
	b.Fault(codec.ReqGetMinOffset, embedded.Slow(1))
	p.write(codec.ReqGetMaxOffset, ext("topic=News queueId=0"), "")
	p.write(codec.ReqGetMinOffset, ext("topic=News queueId=0"), "")
	require.NoError(t, b.WaitRequests(patience(t), codec.ReqGetMinOffset, 1))
	b.PauseReading()
	cl.Close()
	require.Zero(t, b.Connections())
	stacks := make([]byte, 1<<20)
	left := ""
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); runtime.Gosched() {
		if left = ours(string(stacks[:runtime.Stack(stacks, true)])); left == "" {
			return // a timer's function may have been on its way
		}
	}
	t.Fatalf("still there:\n%s", left)
}

// ours picks the goroutines that run this package's servers.
func ours(stacks string) string {
	var found []string
	for g := range strings.SplitSeq(stacks, "\n\n") {
		if strings.Contains(g, "/embedded.(*") {
			found = append(found, g)
		}
	}
	return strings.Join(found, "\n\n")
}
