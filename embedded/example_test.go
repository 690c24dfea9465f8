package embedded_test

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/embedded"
)

func Example() {
	cluster, err := embedded.Start(embedded.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	p, err := producer.NewDefaultProducer(producer.WithNameServer(cluster.NameServers()), producer.WithGroupName("orders"))
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Start()
	defer p.Shutdown()
	p.SendSync(ctx, primitive.NewMessage("Orders", []byte("one tea")))

	stored, err := cluster.Broker("broker-a").WaitMessages(ctx, "Orders", 1)
	fmt.Println(string(stored[0].Body), err)
	// Output: one tea <nil>
}

// A send is stored, but its producer does not learn of it: the broker crashes before it answers, and comes back.
func ExampleDropAnswer() {
	cluster, err := embedded.Start(embedded.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cluster.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	broker := cluster.Broker("broker-a")
	lost := broker.Fault(embedded.AnyCode, embedded.DropAnswer().Once().When(isSend))

	p, err := producer.NewDefaultProducer(producer.WithNameServer(cluster.NameServers()), producer.WithRetry(0))
	if err != nil {
		fmt.Println(err)
		return
	}
	p.Start()
	defer p.Shutdown()
	failed := make(chan bool)
	go func() {
		_, err := p.SendSync(ctx, primitive.NewMessage("Orders", []byte("one tea")))
		failed <- err != nil
	}()
	fmt.Println("struck:", lost.WaitHits(ctx, 1) == nil)
	broker.Stop()
	fmt.Println("the send failed:", <-failed)
	fmt.Println("restarted:", broker.Restart() == nil)
	fmt.Println("stored:", len(broker.Messages("Orders")))
	// Output:
	// struck: true
	// the send failed: true
	// restarted: true
	// stored: 1
}

func isSend(request *codec.Command) bool {
	switch request.Code {
	case codec.ReqSendMessage, codec.ReqSendMessageV2, codec.ReqSendBatchMessage:
		return true
	}
	return false
}
