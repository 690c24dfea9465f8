package integration

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// goChild is the environment variable that makes this program be nothing but a producer and a consumer of
// rocketmq-client-go: name server, topic, group, name, and directory for its log, with spaces between.
const goChild = "CHAOS_GO_CHILD"

// beGoChild sends and consumes, and tells each outcome on standard output once it is known:
//
//	accepted ID BROKER QUEUE OFFSET
//	doubt
//	received ID
//
// When a line comes in it sends nothing more, and at the end of its input it shuts its clients down.
func beGoChild(words string) int {
	f := strings.Fields(words)
	nameServer, topic, group, name, dir := f[0], f[1], f[2], f[3], f[4]
	if err := rlog.SetOutputPath(filepath.Join(dir, "goclient.log")); err != nil {
		return complain(err)
	}
	servers := primitive.NewPassthroughResolver([]string{nameServer})
	p, err := rocketmq.NewProducer(producer.WithNsResolver(servers), producer.WithGroupName(group+"-producers"), producer.WithInstanceName(name+"-producer"),
		producer.WithSendMsgTimeout(stepPatience), producer.WithRetry(0))
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		return complain(err)
	}
	ctx, hush := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	sending.Go(func() { sayAccepted(ctx, p, topic, name) })
	c := consumeSoon(servers, topic, group, name)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		hush()
	}
	hush()
	sending.Wait()
	_ = p.Shutdown()
	_ = c.Shutdown()
	return 0
}

// consumeSoon starts a consumer. A consumer that finds no name server or no route does not start, and so it tries until
// one is there again.
func consumeSoon(servers primitive.NsResolver, topic, group, name string) rocketmq.PushConsumer {
	for try := 1; ; try++ {
		c, err := rocketmq.NewPushConsumer(consumer.WithNsResolver(servers), consumer.WithGroupName(group),
			consumer.WithInstance(fmt.Sprintf("%s-consumer-%d", name, try)), consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
		if err == nil {
			err = c.Subscribe(topic, consumer.MessageSelector{}, sayReceived)
		}
		if err == nil {
			err = c.Start()
		}
		if err == nil {
			return c
		}
		fmt.Fprintln(os.Stderr, "cannot consume:", err)
		time.Sleep(100 * time.Millisecond)
	}
}

// complain tells what is wrong in a line that the parent takes for a broken promise.
func complain(err error) int {
	fmt.Println("cannot begin:", err)
	return 1
}

func sayReceived(_ context.Context, got ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	for _, m := range got {
		id, _, _ := strings.Cut(string(m.Body[:min(len(m.Body), 100)]), " ")
		if string(m.Body) != string(numberedBody(id)) {
			fmt.Printf("was given a body of %d bytes that nobody sent; it begins with %.60q\n", len(m.Body), m.Body)
			continue
		}
		fmt.Println("received", id)
	}
	return consumer.ConsumeSuccess, nil
}

func sayAccepted(ctx context.Context, p rocketmq.Producer, topic, name string) {
	for number := 1; ctx.Err() == nil; number++ {
		id := messageID(name, number)
		result, err := p.SendSync(context.Background(), primitive.NewMessage(topic, numberedBody(id)))
		if err != nil || result.Status != primitive.SendOK {
			fmt.Println("doubt")
		} else {
			q := result.MessageQueue
			fmt.Println("accepted", id, q.BrokerName, q.QueueId, result.QueueOffset)
		}
		time.Sleep(betweenSends)
	}
}
