package stories

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/integration/harness"
)

// sdkSendAndReceive sends from one byte to 3 MiB with everything that a message can carry, and acknowledges what comes.
func sdkSendAndReceive(t *testing.T, f *sdkFixture) {
	topic := f.Topic(t, 2)
	p := f.producer(t, topic)
	var bodies [][]byte
	for _, size := range []int{1, 2, 100, 4096, 70_000, 1 << 20, 3 << 20} {
		body := harness.RandomBody(uint64(size), size)
		bodies = append(bodies, body)
		r := f.do(t, harness.SDKCommand{
			Do: "send", Client: p, Topic: topic, Body: body, Tag: "a-tag", Keys: []string{"key-1", "key-2"}, Properties: map[string]string{"grüße": "世界"},
		})
		require.NotEmpty(t, r.MessageID)
	}
	c := f.simple(t, topic, harness.Unique(t, "group"))
	all := f.receive(t, c, len(bodies), 5*time.Minute)
	exactly(t, bodies, all)
	for _, m := range all {
		require.Equal(t, topic, m.Topic)
		require.Equal(t, "a-tag", m.Tag)
		require.Equal(t, []string{"key-1", "key-2"}, m.Keys)
		require.Equal(t, map[string]string{"grüße": "世界"}, m.Properties)
		require.Equal(t, 1, m.Attempt)
	}
	f.ack(t, c, all...)
}

func sdkPushConsumer(t *testing.T, f *sdkFixture) {
	topic := f.Topic(t, 4)
	p := f.producer(t, topic)
	c := f.push(t, topic, harness.Unique(t, "group"))
	bodies := harness.RandomBodies(200)
	for _, body := range bodies {
		f.send(t, p, topic, body)
	}
	f.awaitExactly(t, bodies, c)
}

// sdkPushConsumersShare has two members of a group share what comes, and each group have all of it.
func sdkPushConsumersShare(t *testing.T, f *sdkFixture) {
	topic, group := f.Topic(t, 4), harness.Unique(t, "group")
	p := f.producer(t, topic)
	one, two, other := f.push(t, topic, group), f.push(t, topic, group), f.push(t, topic, harness.Unique(t, "group"))
	bodies := harness.RandomBodies(200)
	for _, body := range bodies {
		f.send(t, p, topic, body)
	}
	f.awaitExactly(t, bodies, one, two)
	f.awaitExactly(t, bodies, other)
}

// sdkChangeInvisible has a message come again when its time is over, which was made shorter, and with a time that was made
// longer not before it is acknowledged.
func sdkChangeInvisible(t *testing.T, f *sdkFixture) {
	topic := f.Topic(t, 1)
	p := f.producer(t, topic)
	f.send(t, p, topic, []byte("again"))
	c := f.simple(t, topic, harness.Unique(t, "group"))
	first := f.receive(t, c, 1, 10*time.Minute)[0]
	f.do(t, harness.SDKCommand{Do: "change", Client: c, Message: first.Number, Millis: 1000})
	second := f.receive(t, c, 1, 10*time.Second)[0]
	require.Equal(t, "again", string(second.Body))
	require.Equal(t, 2, second.Attempt)
	f.do(t, harness.SDKCommand{Do: "change", Client: c, Message: second.Number, Millis: 600_000})
	f.ack(t, c, second)
}

// sdkOrder has messages of a group come in their order, though one fails at first.
func sdkOrder(t *testing.T, f *sdkFixture) {
	topic, group := f.TypedTopic(t, "FIFO", 4), f.ConsumerGroup(t, true, 16)
	p := f.producer(t, topic)
	orders := []string{"order-1", "order-2", "order-3"}
	for i := range 20 {
		for _, order := range orders {
			f.do(t, harness.SDKCommand{Do: "send", Client: p, Topic: topic, Order: order, Body: []byte{byte(i)}})
		}
	}
	c := f.push(t, topic, group)
	harness.Await(t, func() error { return atLeast(f.given(c), 60) })
	next := map[string]byte{}
	for _, m := range f.given(c) {
		require.Equal(t, next[m.Order], m.Body[0], "of %s", m.Order)
		next[m.Order]++
	}
	require.Len(t, next, len(orders))
}

// sdkTagFilter has a consumer of one tag get nothing else, also not what has a tag with the same hash.
func sdkTagFilter(t *testing.T, f *sdkFixture) {
	topic := f.Topic(t, 2)
	p := f.producer(t, topic)
	var wanted [][]byte
	for i, body := range harness.RandomBodies(20) {
		tag := []string{"AaAa", "BBBB"}[i%2]
		if tag == "AaAa" {
			wanted = append(wanted, body)
		}
		f.do(t, harness.SDKCommand{Do: "send", Client: p, Topic: topic, Body: body, Tag: tag})
	}
	c := f.start(t, harness.SDKCommand{Do: "push consumer", Millis: patience, Topic: topic, Group: harness.Unique(t, "group"), Filter: "AaAa"})
	f.awaitExactly(t, wanted, c)
}

func sdkSQLFilter(t *testing.T, f *sdkFixture) {
	topic := f.Topic(t, 2)
	p := f.producer(t, topic)
	var wanted [][]byte
	for i, body := range harness.RandomBodies(20) {
		n := i % 4
		if n > 2 {
			wanted = append(wanted, body)
		}
		f.do(t, harness.SDKCommand{Do: "send", Client: p, Topic: topic, Body: body, Properties: map[string]string{"n": strconv.Itoa(n)}})
	}
	c := f.start(t, harness.SDKCommand{Do: "push consumer", Millis: patience, Topic: topic, Group: harness.Unique(t, "group"), Filter: "n > 2", SQL: true})
	f.awaitExactly(t, wanted, c)
}

// sdkDeadLetter has a message that always fails come twice, as the group says, and then no more: it is a dead letter, and
// others are not kept from coming.
func sdkDeadLetter(t *testing.T, f *sdkFixture) {
	deadLetter(t, f, f.Topic(t, 1), "", false)
}

// sdkDeadLetterInOrder is the same where the SDK tries again by itself.
func sdkDeadLetterInOrder(t *testing.T, f *sdkFixture) {
	deadLetter(t, f, f.TypedTopic(t, "FIFO", 1), "order-1", true)
}

func deadLetter(t *testing.T, f *sdkFixture, topic, order string, orderly bool) {
	group := f.ConsumerGroup(t, orderly, 1)
	p := f.producer(t, topic)
	c := f.push(t, topic, group)
	f.do(t, harness.SDKCommand{Do: "send", Client: p, Topic: topic, Order: order, Body: []byte("bad"), Properties: map[string]string{"refuse": "99"}})
	f.do(t, harness.SDKCommand{Do: "send", Client: p, Topic: topic, Order: order, Body: []byte("good")})
	harness.Await(t, func() error { return atLeast(f.given(c), 3) })
	letters, dead := "%DLQ%"+group, harness.Unique(t, "client")
	harness.Await(t, func() error { // the first dead letter makes the topic
		_, err := f.sdk.Do(harness.SDKCommand{
			Do: "simple consumer", Millis: patience, Client: dead, Endpoints: f.NameServer, Topic: letters, Group: harness.Unique(t, "letters"),
		})
		return err
	})
	got := f.receive(t, dead, 1, time.Minute)
	require.Equal(t, "bad", string(got[0].Body))
	f.ack(t, dead, got...)
	attempts := map[string][]int{}
	for _, m := range f.given(c) {
		attempts[string(m.Body)] = append(attempts[string(m.Body)], m.Attempt)
	}
	require.Equal(t, map[string][]int{"bad": {1, 2}, "good": {1}}, attempts)
}
