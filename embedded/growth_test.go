package embedded

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/linear"
)

// noClock sets no timers.
type noClock struct{}

func (noClock) Now() time.Time                              { return time.Time{} }
func (noClock) AfterFunc(time.Duration, func()) func() bool { return func() bool { return true } }

func popOneByOne(n int) (*outstanding, []*checkpoint) {
	o := newOutstanding()
	all := make([]*checkpoint, n)
	for i := range all {
		all[i] = &checkpoint{start: int64(i), offsets: []int64{int64(i)}, done: []bool{false}, popTime: 1}
		o.add(all[i])
	}
	return o, all
}

func TestAckTakesNoLongerWithManyMessagesOut(t *testing.T) {
	linear.Steps(t, 500, func(n int) func() {
		o, all := popOneByOne(n)
		return func() {
			for _, c := range slices.Backward(all) {
				require.True(t, o.ack(c.id(), c.start))
				o.first()
			}
		}
	})
}

func TestFirstMessageOutIsTheLowestThatIsNotAcked(t *testing.T) {
	o, all := popOneByOne(200)
	again := &checkpoint{start: 7, offsets: []int64{7, 8}, done: []bool{false, false}, popTime: 2}
	o.add(again)
	acked := make(map[int64]bool)
	for _, i := range rand.Perm(200) {
		require.True(t, o.ack(all[i].id(), int64(i)))
		require.False(t, o.ack(all[i].id(), int64(i)), "acked twice")
		acked[int64(i)] = i != 7 && i != 8
		want := int64(0)
		for acked[want] {
			want++
		}
		first, any := o.first()
		require.True(t, any)
		require.Equal(t, want, first)
	}
	require.True(t, o.ack(again.id(), 7))
	require.True(t, o.ack(again.id(), 8))
	_, any := o.first()
	require.False(t, any)
	require.Empty(t, o.byHandle)
	require.Empty(t, o.open)
}

func TestEndOfALongPollTakesNoLongerWithManyHeld(t *testing.T) {
	linear.Steps(t, 500, func(n int) func() {
		l := &longPolls{broker: &Broker{server: server{clock: noClock{}}}}
		conns := make([]*connection, n)
		for i := range conns {
			conns[i] = new(connection)
			l.hold(&longPoll{conn: conns[i], topics: []string{"News", "Olds"}}, time.Duration(n-i))
		}
		require.Equal(t, n, l.held("News"))
		return func() {
			for _, c := range slices.Backward(conns) {
				l.removeConnection(c)
			}
			require.Zero(t, l.held("News"))
			require.Empty(t, l.byTopic)
		}
	})
}
