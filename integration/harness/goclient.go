package harness

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/stretchr/testify/require"
)

// Clients of rocketmq-client-go for one test, shut down when it ends. Each has an instance name of its own: the Go
// client shares one connection among all that have the same.

// Resolver tells clients of the target's name server.
func (target *Target) Resolver() primitive.NsResolver {
	return primitive.NewPassthroughResolver([]string{target.NameServer})
}

// ProducerOptions are those of a producer of its own group and connection that retries nothing.
func (target *Target) ProducerOptions(t *testing.T) []producer.Option {
	return []producer.Option{
		producer.WithNsResolver(target.Resolver()),
		producer.WithGroupName(Unique(t, "producer")),
		producer.WithInstanceName(Unique(t, "client")),
		producer.WithSendMsgTimeout(20 * time.Second),
		producer.WithRetry(0), // a retry would hide a send that was lost on the way
	}
}

// Producer returns a started producer.
func (target *Target) Producer(t *testing.T, options ...producer.Option) rocketmq.Producer {
	t.Helper()
	p, err := rocketmq.NewProducer(append(target.ProducerOptions(t), options...)...)
	require.NoError(t, err)
	require.NoError(t, p.Start())
	t.Cleanup(func() { _ = p.Shutdown() })
	return p
}

type listener = func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error)

// Consumer returns a started push consumer of one topic; a topic without offsets is read from its begin.
func (target *Target) Consumer(t *testing.T, group, topic string, selector consumer.MessageSelector, f listener, options ...consumer.Option) rocketmq.PushConsumer {
	t.Helper()
	c, err := rocketmq.NewPushConsumer(append([]consumer.Option{
		consumer.WithNsResolver(target.Resolver()),
		consumer.WithGroupName(group),
		consumer.WithInstance(Unique(t, "client")),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
	}, options...)...)
	require.NoError(t, err)
	require.NoError(t, c.Subscribe(topic, selector, f))
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = c.Shutdown() })
	return c
}

// Consume collects what a new group gets from a topic.
func (target *Target) Consume(t *testing.T, topic string) *Inbox {
	t.Helper()
	in := new(Inbox)
	target.Consumer(t, Unique(t, "group"), topic, consumer.MessageSelector{}, in.Accept)
	return in
}

// Send sends one message and requires that it was stored.
func Send(t *testing.T, p rocketmq.Producer, messages ...*primitive.Message) *primitive.SendResult {
	t.Helper()
	result, err := p.SendSync(t.Context(), messages...)
	require.NoError(t, err)
	require.Equal(t, primitive.SendOK, result.Status)
	return result
}

// Inbox collects what consumers are given, in order of arrival.
type Inbox struct {
	mu       sync.Mutex
	messages []*primitive.MessageExt
}

// Accept is a listener that consumes everything.
func (in *Inbox) Accept(_ context.Context, got ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
	in.Add(got)
	return consumer.ConsumeSuccess, nil
}

// Add keeps messages.
func (in *Inbox) Add(got []*primitive.MessageExt) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.messages = append(in.messages, got...)
}

// All returns what has come so far.
func (in *Inbox) All() []*primitive.MessageExt {
	in.mu.Lock()
	defer in.mu.Unlock()
	return append([]*primitive.MessageExt(nil), in.messages...)
}

// Checksum is the SHA-256 of a body.
type Checksum [sha256.Size]byte

// AwaitExactly waits until every body has come, and fails unless each came exactly once and nothing else did.
func (in *Inbox) AwaitExactly(t *testing.T, bodies [][]byte) {
	t.Helper()
	want := make(map[Checksum]int)
	for _, body := range bodies {
		want[sha256.Sum256(body)]++
	}
	var got map[Checksum]int
	Await(t, func() error {
		got = make(map[Checksum]int)
		for _, m := range in.All() {
			got[sha256.Sum256(m.Body)]++
		}
		missing := 0
		for sum := range want {
			if got[sum] == 0 {
				missing++
			}
		}
		if missing > 0 {
			return fmt.Errorf("%d of %d messages have not come; %d have", missing, len(bodies), len(in.All()))
		}
		return nil
	})
	require.Len(t, got, len(want), "different bodies received")
	for sum, n := range got {
		require.Equal(t, want[sum], n, "deliveries of the message with SHA-256 %x", sum)
	}
}

// Missing is an error while some body has not come.
func (in *Inbox) Missing(bodies [][]byte) error {
	got := make(map[string]bool)
	for _, m := range in.All() {
		got[string(m.Body)] = true
	}
	missing := 0
	for _, body := range bodies {
		if !got[string(body)] {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d messages have not come", missing, len(bodies))
	}
	return nil
}

// Await waits for a condition with the patience of a story.
func Await(t *testing.T, check func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	if err := Until(ctx, check); err != nil {
		t.Fatal(err)
	}
}

// RandomBody returns bytes that no compression shortens, the same for the same seed.
func RandomBody(seed uint64, size int) []byte {
	body := make([]byte, size)
	var key [32]byte
	key[0], key[1], key[2] = byte(seed), byte(seed>>8), byte(seed>>16)
	_, _ = rand.NewChaCha8(key).Read(body) // never fails
	return body
}

// RandomBodies returns n different bodies of some hundred bytes.
func RandomBodies(n int) [][]byte {
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = RandomBody(uint64(i), 200+i)
	}
	return bodies
}
