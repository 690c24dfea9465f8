package chaos

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

// goChildWords is the environment variable that makes this program be a goChild, as JSON.
const goChildWords = "CHAOS_GO_CHILD"

// goChild is a process that is nothing but a producer and consumers of rocketmq-client-go. They send and consume, and tell
// each outcome on standard output once it is known:
//
//	accepted ID BROKER QUEUE OFFSET
//	doubt
//	received ID BROKER QUEUE OFFSET
//
// When a line comes in it sends nothing more, and says "stopped" when it knows what became of all it has sent. At the end
// of its input it shuts its clients down.
type goChild struct {
	NameServers []string // of one member each; the producer has the first
	Topic       string
	Group       string
	Name        string
	Ordered     bool
	Log         string
}

// beGoChild is the main function of a goChild.
func beGoChild(words string) int {
	var g goChild
	if err := json.Unmarshal([]byte(words), &g); err != nil {
		return complain(err)
	}
	if err := rlog.SetOutputPath(g.Log); err != nil {
		return complain(err)
	}
	p, err := rocketmq.NewProducer(producer.WithNsResolver(primitive.NewPassthroughResolver(g.NameServers[:1])),
		producer.WithGroupName(g.Group+"-producers"), producer.WithInstanceName(g.Name+"-producer"),
		producer.WithSendMsgTimeout(stepPatience), producer.WithRetry(0)) // a retry would hide a send that was lost on the way
	if err == nil {
		err = p.Start()
	}
	if err != nil {
		return complain(err)
	}
	ctx, stopSending := context.WithCancel(context.Background())
	var sending sync.WaitGroup
	sending.Go(func() { g.sayAccepted(ctx, p) })
	var members []rocketmq.PushConsumer
	for i, nameServer := range g.NameServers {
		members = append(members, g.join(nameServer, fmt.Sprintf("%s-%d", g.Name, i)))
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		stopSending()
		sending.Wait()
		fmt.Println("stopped")
	}
	stopSending()
	sending.Wait()
	_ = p.Shutdown()
	for _, m := range members {
		_ = m.Shutdown()
	}
	return 0
}

// join starts a consumer. One that finds no name server or no route does not start, and so it tries until one is there
// again.
func (g *goChild) join(nameServer, name string) rocketmq.PushConsumer {
	for try := 1; ; try++ {
		c, err := rocketmq.NewPushConsumer(consumer.WithNsResolver(primitive.NewPassthroughResolver([]string{nameServer})),
			consumer.WithGroupName(g.Group), consumer.WithInstance(fmt.Sprintf("%s-%d", name, try)), consumer.WithConsumerOrder(g.Ordered),
			consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset))
		if err == nil {
			err = c.Subscribe(g.Topic, consumer.MessageSelector{}, sayReceived)
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
		fmt.Println("received", id, m.Queue.BrokerName, m.Queue.QueueId, m.QueueOffset)
	}
	return consumer.ConsumeSuccess, nil
}

func (g *goChild) sayAccepted(ctx context.Context, p rocketmq.Producer) {
	for number := 1; ctx.Err() == nil; number++ {
		id := messageID(g.Name, number)
		result, err := p.SendSync(context.Background(), primitive.NewMessage(g.Topic, numberedBody(id)))
		if err != nil || result.Status != primitive.SendOK {
			fmt.Println("doubt")
		} else {
			q := result.MessageQueue
			fmt.Println("accepted", id, q.BrokerName, q.QueueId, result.QueueOffset)
		}
		time.Sleep(betweenSends)
	}
}
