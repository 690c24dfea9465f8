package embedded_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

// BenchmarkSend keeps 64 sends under way on one connection.
func BenchmarkSend(b *testing.B) {
	cl, err := embedded.Start(embedded.Options{})
	require.NoError(b, err)
	defer cl.Close()
	p := dial(b, cl.Broker("broker-a").Addr())
	cmd := &codec.Command{Code: codec.ReqSendMessage, Ext: sendFields("News", 0, properties("TAGS=a KEYS=k UNIQ_KEY=u")), Body: []byte(strings.Repeat("x", 512))}
	frame := cmd.Append(nil, codec.JSON)
	permits := make(chan struct{}, 64)
	var done sync.WaitGroup
	done.Add(1)
	b.ResetTimer()
	go func() {
		defer done.Done()
		for range b.N {
			p.next()
			<-permits
		}
	}()
	for range b.N {
		permits <- struct{}{}
		if _, err := p.nc.Write(frame); err != nil {
			b.Fatal(err)
		}
	}
	done.Wait()
}

func TestManyClientsAtOnce(t *testing.T) {
	cl := start(t, embedded.Options{})
	b := cl.Broker("broker-a")
	require.NoError(t, b.CreateTopic("News", 4))
	const senders, each = 8, 500
	var all sync.WaitGroup
	for range senders {
		p := dial(t, b.Addr())
		all.Go(func() {
			for i := range each {
				p.send("News", i%4, "x", "")
			}
		})
	}
	for queue := range 4 {
		p := dial(t, b.Addr())
		all.Go(func() {
			for next := int64(0); next < senders*each/4; {
				answer := p.call(codec.ReqPullMessage, pullFields("g", "News", queue, next, "sysFlag=6"), "")
				next += int64(len(messages(t, answer.Body)))
			}
		})
	}
	all.Wait()
	found, err := b.WaitMessages(patience(t), "News", senders*each)
	require.NoError(t, err)
	require.Len(t, found, senders*each)
}
