package stories

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// sdkStories are told by SDKs of RocketMQ 5, which speak gRPC, against brokers that have POP. The functions are in the files
// sdk_*_test.go.
var sdkStories = []struct {
	name string
	run  func(t *testing.T, f *sdkFixture)
}{
	{"SendAndReceive", sdkSendAndReceive},
	{"PushConsumer", sdkPushConsumer},
	{"PushConsumersShare", sdkPushConsumersShare},
	{"ChangeInvisible", sdkChangeInvisible},
	{"Order", sdkOrder},
	{"TagFilter", sdkTagFilter},
	{"SQLFilter", sdkSQLFilter},
	{"DeadLetter", sdkDeadLetter},
	{"DeadLetterInOrder", sdkDeadLetterInOrder},
	{"Delay", sdkDelay},
	{"Transaction", sdkTransaction},
}

// sdkStarts are how the SDKs are started: as they are unless told otherwise, which is with TLS, and without it.
var sdkStarts = []struct {
	name  string
	plain bool
}{{"defaults", false}, {"plain", true}}

func TestGoSDK(t *testing.T) {
	t.Parallel()
	tellSDKStories(t, harness.StartGoSDK)
}

func TestJavaSDK(t *testing.T) {
	t.Parallel()
	harness.RequireReal(t)
	tellSDKStories(t, harness.StartJavaSDK)
}

func tellSDKStories(t *testing.T, start func(t *testing.T, plain bool) *harness.SDK) {
	harness.EachTargetOf(t, []string{harness.EmbeddedVersion, "5.5.0"}, func(t *testing.T, target *harness.Target) {
		for _, how := range sdkStarts {
			t.Run(how.name, func(t *testing.T) {
				t.Parallel()
				sdk := start(t, how.plain)
				for _, story := range sdkStories {
					t.Run(story.name, func(t *testing.T) {
						t.Parallel()
						story.run(t, &sdkFixture{target, sdk})
					})
				}
			})
		}
	})
}

// sdkFixture is what a story with an SDK uses.
type sdkFixture struct {
	*harness.Target
	sdk *harness.SDK
}

func (f *sdkFixture) do(t *testing.T, c harness.SDKCommand) *harness.SDKReply {
	t.Helper()
	r, err := f.sdk.Do(c)
	require.NoError(t, err)
	return r
}

// patience is how long a request may take, in milliseconds. At its default, 3 s, a busy machine has SDKs send messages again,
// which come twice then.
const patience = 20_000

// start starts a client and returns its name.
func (f *sdkFixture) start(t *testing.T, c harness.SDKCommand) string {
	t.Helper()
	c.Client, c.Endpoints = harness.Unique(t, "client"), f.NameServer
	f.do(t, c)
	if c.Do != "push consumer" { // that of Go waits for its polls; it ends with its process
		t.Cleanup(func() { f.do(t, harness.SDKCommand{Do: "close", Client: c.Client}) })
	}
	return c.Client
}

func (f *sdkFixture) producer(t *testing.T, topic string) string {
	t.Helper()
	return f.start(t, harness.SDKCommand{Do: "producer", Millis: patience, Topic: topic})
}

func (f *sdkFixture) push(t *testing.T, topic, group string) string {
	t.Helper()
	return f.start(t, harness.SDKCommand{Do: "push consumer", Millis: patience, Topic: topic, Group: group})
}

func (f *sdkFixture) simple(t *testing.T, topic, group string) string {
	t.Helper()
	return f.start(t, harness.SDKCommand{Do: "simple consumer", Millis: patience, Topic: topic, Group: group})
}

// send sends a message with a body.
func (f *sdkFixture) send(t *testing.T, producer, topic string, body []byte) *harness.SDKReply {
	t.Helper()
	return f.do(t, harness.SDKCommand{Do: "send", Client: producer, Topic: topic, Body: body})
}

// receive receives messages, each invisible for so long, until there are n.
func (f *sdkFixture) receive(t *testing.T, consumer string, n int, invisible time.Duration) (all []harness.SDKMessage) {
	t.Helper()
	harness.Await(t, func() error {
		r, err := f.sdk.Do(harness.SDKCommand{Do: "receive", Client: consumer, Max: 32, Millis: invisible.Milliseconds()})
		if err != nil {
			return err
		}
		if all = append(all, r.Messages...); len(all) < n {
			return fmt.Errorf("%d of %d messages have come", len(all), n)
		}
		return nil
	})
	return all
}

func (f *sdkFixture) ack(t *testing.T, consumer string, all ...harness.SDKMessage) {
	t.Helper()
	for _, m := range all {
		f.do(t, harness.SDKCommand{Do: "ack", Client: consumer, Message: m.Number})
	}
}

// awaitExactly waits until every body has come to one of the push consumers, and fails unless each came once and nothing else did.
func (f *sdkFixture) awaitExactly(t *testing.T, bodies [][]byte, consumers ...string) {
	t.Helper()
	harness.Await(t, func() error {
		if n := len(counts(f.given(consumers...))); n < len(bodies) {
			return fmt.Errorf("%d of %d messages have come", n, len(bodies))
		}
		return nil
	})
	exactly(t, bodies, f.given(consumers...))
}

func (f *sdkFixture) given(consumers ...string) (all []harness.SDKMessage) {
	for _, c := range consumers {
		all = append(all, f.sdk.Given(c)...)
	}
	return all
}

// exactly fails unless messages have these bodies, each once.
func exactly(t *testing.T, bodies [][]byte, got []harness.SDKMessage) {
	t.Helper()
	want := map[harness.Checksum]int{}
	for _, b := range bodies {
		want[sha256.Sum256(b)]++
	}
	require.Equal(t, want, counts(got))
}

func counts(all []harness.SDKMessage) map[harness.Checksum]int {
	times := map[harness.Checksum]int{}
	for _, m := range all {
		times[sha256.Sum256(m.Body)]++
	}
	return times
}
