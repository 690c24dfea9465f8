package stories

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// lossClients are a synchronous producer, an asynchronous producer and a consumer of one client version on one path to
// the brokers, with the settings that clients have by default, and what they live through while a broker is lost.
type lossClients struct {
	client string // "java-5.5.0", "java-4.9.4" or "go-2.1.2"
	path   string // "direct" or "proxied"
	topic  string
	routes map[string]*harness.RouteWatch // of "sync", "async" and "consumer"
	stop   func()                         // ends the producers
	events func() ([]lossEvent, error)
}

// newLossClients begins a set of clients that have a name server of their own each, to be watched.
func newLossClients(t *testing.T, client string, target *harness.Target, topic string) *lossClients {
	t.Helper()
	p := &lossClients{client: client, path: target.Name, topic: topic, routes: map[string]*harness.RouteWatch{}}
	for _, role := range []string{"sync", "async", "consumer"} {
		p.routes[role] = harness.WatchRoutes(t, target.NameServer, topic)
	}
	return p
}

// of is a target as one of the clients sees it.
func (p *lossClients) of(role string, target *harness.Target) *harness.Target {
	watched := *target
	watched.NameServer = p.routes[role].Address()
	return &watched
}

// lossEvent is one send that succeeded or failed, or one message that was received.
type lossEvent struct {
	what   string // "sent", "failed" or "got"
	body   string // "sync 17"
	at     time.Time
	took   time.Duration // of sends
	detail string        // the broker, or why it failed
}

// mode is "sync" or "async".
func (e *lossEvent) mode() string { return strings.Fields(e.body)[0] }

const sendPause = 20 * time.Millisecond

// javaLossClients starts harness/java/src/LossStory.java in a process of its own.
func javaLossClients(t *testing.T, version string, target *harness.Target, topic string) *lossClients {
	t.Helper()
	p := newLossClients(t, "java-"+version, target, topic)
	classPath, err := harness.StoryClasses(version)
	require.NoError(t, err)
	home, err := harness.RunSubdir(harness.Unique(t, "loss"))
	require.NoError(t, err)
	argv := harness.JavaCommand(home, "256m", classPath, "LossStory", p.topic, harness.Unique(t, "loss"),
		p.routes["sync"].Address(), p.routes["async"].Address(), p.routes["consumer"].Address())
	cmd := exec.Command(argv[0], argv[1:]...)
	in, stdin, err := os.Pipe()
	require.NoError(t, err)
	cmd.Stdin = in
	out, err := os.Create(filepath.Join(home, "events"))
	require.NoError(t, err)
	cmd.Stdout = out
	java, err := harness.StartCommand("loss story "+p.client+" "+p.path, filepath.Join(home, "stderr"), cmd)
	in.Close()
	out.Close()
	require.NoError(t, err)
	t.Cleanup(func() { java.Kill(); stdin.Close() })
	if target.Proxy != nil {
		java.WatchBypasses(t)
	}
	p.stop = func() { stdin.Close() }
	p.events = func() ([]lossEvent, error) {
		if !java.Running() {
			return nil, fmt.Errorf("%s has exited: %s\n%s", java.Name, java.ExitStatus(), java.LastOutput())
		}
		return readLossEvents(out.Name())
	}
	return p
}

func readLossEvents(path string) ([]lossEvent, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var events []lossEvent
	for lines := bufio.NewScanner(file); lines.Scan(); {
		f := strings.SplitN(lines.Text(), " ", 6)
		if len(f) < 5 || f[0] != "got" && len(f) < 6 {
			continue // logging, or a line that is being written
		}
		at, err := strconv.ParseInt(f[3], 10, 64)
		if err != nil {
			continue
		}
		e := lossEvent{what: f[0], body: f[1] + " " + f[2], at: time.UnixMilli(at), detail: f[4]}
		if f[0] != "got" {
			millis, _ := strconv.Atoi(f[4])
			e.took, e.detail = time.Duration(millis)*time.Millisecond, f[5]
		}
		events = append(events, e)
	}
	return events, nil
}

// goLossClients does the same with the Go client, in this process. This client panics when an asynchronous send is not
// answered in time (ProcessSendResponse of a nil command), after it has told the caller: the story goes on.
func goLossClients(t *testing.T, target *harness.Target, topic string) *lossClients {
	t.Helper()
	primitive.PanicHandler = func(any) {}
	p := newLossClients(t, "go-2.1.2", target, topic)
	var mu sync.Mutex
	var all []lossEvent
	add := func(e lossEvent) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, e)
	}
	byDefault := []producer.Option{producer.WithSendMsgTimeout(3 * time.Second), producer.WithRetry(2)}
	syncly, asyncly := p.of("sync", target).Producer(t, byDefault...), p.of("async", target).Producer(t, byDefault...)
	p.of("consumer", target).Consumer(t, harness.Unique(t, "group"), p.topic, consumer.MessageSelector{}, func(_ context.Context, got ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range got {
			add(lossEvent{what: "got", body: string(m.Body), at: time.Now(), detail: m.Queue.BrokerName})
		}
		return consumer.ConsumeSuccess, nil
	})
	ctx, cancel := context.WithCancel(context.Background())
	var senders sync.WaitGroup
	senders.Go(goLossSender(ctx, "sync", add, goSendSyncOf(syncly, p.topic)))
	senders.Go(goLossSender(ctx, "async", add, goSendAsyncOf(asyncly, p.topic)))
	p.stop = func() { cancel(); senders.Wait() }
	p.events = func() ([]lossEvent, error) {
		mu.Lock()
		defer mu.Unlock()
		return append([]lossEvent(nil), all...), nil
	}
	return p
}

// goSend sends one message and calls done once.
type goSend func(body string, done func(*primitive.SendResult, error))

func goLossSender(ctx context.Context, mode string, add func(lossEvent), send goSend) func() {
	return func() {
		for i := 0; ctx.Err() == nil; i++ {
			e := lossEvent{body: fmt.Sprintf("%s %d", mode, i), at: time.Now()}
			send(e.body, func(result *primitive.SendResult, err error) {
				e := e
				e.took = time.Since(e.at)
				if err != nil {
					e.what, e.detail = "failed", err.Error()
				} else {
					e.what, e.detail = "sent", result.MessageQueue.BrokerName
				}
				add(e)
			})
			select {
			case <-ctx.Done():
			case <-time.After(sendPause):
			}
		}
	}
}

func goSendSyncOf(p rocketmq.Producer, topic string) goSend {
	return func(body string, done func(*primitive.SendResult, error)) {
		done(p.SendSync(context.Background(), primitive.NewMessage(topic, []byte(body))))
	}
}

func goSendAsyncOf(p rocketmq.Producer, topic string) goSend {
	return func(body string, done func(*primitive.SendResult, error)) {
		var once sync.Once // this client calls back twice after an error
		err := p.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			once.Do(func() { done(result, err) })
		}, primitive.NewMessage(topic, []byte(body)))
		if err != nil {
			once.Do(func() { done(nil, err) })
		}
	}
}
