package system

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"github.com/stretchr/testify/require"
)

// invoker is an actor as its mailbox sees it.
type invoker struct {
	on        func(msg any)
	system    []any
	escalated []any
	busy      atomic.Int32
}

func (i *invoker) InvokeUserMessage(msg any) {
	if i.busy.Add(1) > 1 {
		panic("two messages at once")
	}
	defer i.busy.Add(-1)
	i.on(msg)
}

func (i *invoker) InvokeSystemMessage(msg any) { i.system = append(i.system, msg) }
func (i *invoker) EscalateFailure(reason any, message any) {
	i.escalated = append(i.escalated, reason, message)
}

// later is a dispatcher that runs what was scheduled when the test says so.
type later struct{ queue []func() }

func (*later) Throughput() int      { return 1 }
func (l *later) Schedule(fn func()) { l.queue = append(l.queue, fn) }

func (l *later) run() {
	for len(l.queue) > 0 {
		fn := l.queue[0]
		l.queue = l.queue[1:]
		fn()
	}
}

func newTestMailbox(d actor.Dispatcher, on func(msg any)) (*mailbox, *invoker, *[]any) {
	var panics []any
	m := mailboxProducer(d, func(reason any, _ []byte) { panics = append(panics, reason) })().(*mailbox)
	i := &invoker{on: on}
	m.RegisterHandlers(i, d)
	m.Start()
	return m, i, &panics
}

func TestMailboxKeepsOrderAndRunsOnce(t *testing.T) {
	var got []any
	d := &later{}
	m, _, _ := newTestMailbox(d, func(msg any) { got = append(got, msg) })
	for n := range 100 {
		m.PostUserMessage(n)
	}
	require.Len(t, d.queue, 1, "scheduled once")
	require.Equal(t, 100, m.UserMessageCount())
	d.run()
	require.Len(t, got, 100)
	require.True(t, slices.IsSortedFunc(got, func(a, b any) int { return a.(int) - b.(int) }))
	require.Zero(t, m.UserMessageCount())
}

func TestMailboxTakesSystemMessagesFirst(t *testing.T) {
	d := &later{}
	var m *mailbox
	var i *invoker
	var got []any
	m, i, _ = newTestMailbox(d, func(msg any) {
		got = append(got, msg)
		if msg == "first" {
			m.PostSystemMessage("urgent")
		} else {
			require.Equal(t, []any{"urgent"}, i.system, "it overtakes the rest of the batch")
		}
	})
	m.PostUserMessage("first")
	m.PostUserMessage("second")
	d.run()
	require.Equal(t, []any{"first", "second"}, got)
}

func TestMailboxSuspends(t *testing.T) {
	d := &later{}
	var got []any
	m, _, _ := newTestMailbox(d, func(msg any) { got = append(got, msg) })
	m.PostSystemMessage(&actor.SuspendMailbox{})
	m.PostUserMessage("kept")
	d.run()
	require.Empty(t, got)
	m.PostUserMessage("kept as well")
	require.Empty(t, d.queue, "nothing to do while suspended")
	m.PostSystemMessage(&actor.ResumeMailbox{})
	d.run()
	require.Equal(t, []any{"kept", "kept as well"}, got)
}

func TestMailboxGoesOnAfterAPanic(t *testing.T) {
	d := &later{}
	var got []any
	m, i, panics := newTestMailbox(d, func(msg any) {
		if msg == "bad" {
			panic("boom")
		}
		got = append(got, msg)
	})
	for _, msg := range []any{"one", "bad", "two"} {
		m.PostUserMessage(msg)
	}
	d.run()
	require.Equal(t, []any{"one", "two"}, got)
	require.Equal(t, []any{"boom"}, *panics)
	require.Equal(t, []any{"boom", "bad"}, i.escalated, "its supervisor is told, with the message")
}

func TestMailboxGivesMemoryBack(t *testing.T) {
	d := &later{}
	m, _, _ := newTestMailbox(d, func(any) {})
	for range 10_000 {
		m.PostUserMessage("burst")
	}
	d.run()
	require.LessOrEqual(t, cap(m.in)+cap(m.out), 2*keepCap)
}

func TestMailboxTakesManySenders(t *testing.T) {
	w := &workers{}
	defer w.Stop()
	const senders, each = 8, 2000
	var done sync.WaitGroup
	done.Add(senders * each)
	next := map[int]int{}
	m, _, panics := newTestMailbox(w, func(msg any) {
		p := msg.([2]int)
		if next[p[0]] != p[1] {
			panic("out of order")
		}
		next[p[0]]++
		done.Done()
	})
	for s := range senders {
		go func() {
			for n := range each {
				m.PostUserMessage([2]int{s, n})
			}
		}()
	}
	done.Wait()
	require.Empty(t, *panics)
}

// No goroutine is left, also none that was at work when the others were stopped.
// A message that passes the queue by is still the only one at work: what comes meanwhile, from the actor itself or from
// anywhere else, is taken right behind it.
func TestMailboxPassesOneMessageAtATime(t *testing.T) {
	var got []any
	var m *mailbox
	m, _, panics := newTestMailbox(Inline, func(msg any) {
		got = append(got, msg)
		if msg == "first" {
			m.PostUserMessage("meanwhile")
			require.Equal(t, []any{"first"}, got)
			panic("boom")
		}
	})
	m.PostUserMessage("first")
	m.PostUserMessage("last")
	require.Equal(t, []any{"first", "meanwhile", "last"}, got)
	require.Equal(t, []any{"boom"}, *panics)

	const senders, each = 4, 5000
	n := 0
	m, _, panics = newTestMailbox(Inline, func(any) { n++ }) // the invoker panics if two are at work
	var done sync.WaitGroup
	for range senders {
		done.Go(func() {
			for range each {
				m.PostUserMessage("one of many")
			}
		})
	}
	done.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	require.Empty(t, *panics)
	require.Equal(t, senders*each, n)
	require.Equal(t, resting, m.state.Load())
}

// Whoever passes the queue by may be told to suspend within: then nothing passes until it is told to go on.
func TestMailboxSuspendsWhilePassing(t *testing.T) {
	var got []any
	var m *mailbox
	m, _, _ = newTestMailbox(Inline, func(msg any) {
		if got = append(got, msg); msg == "first" {
			m.PostSystemMessage(&actor.SuspendMailbox{})
		}
	})
	m.PostUserMessage("first")
	m.PostUserMessage("kept")
	require.Equal(t, []any{"first"}, got)
	m.PostSystemMessage(&actor.ResumeMailbox{})
	require.Equal(t, []any{"first", "kept"}, got)
}

func TestWorkersEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it fails when goroutines remain
		w := &workers{}
		gate := make(chan struct{})
		w.Schedule(func() {})
		w.Schedule(func() { <-gate })
		synctest.Wait()
		w.Stop()
		close(gate)
	})
}

// A worker that is kept busy keeps nobody else waiting.
func TestWorkersAreNotHeldUp(t *testing.T) {
	w := &workers{}
	defer w.Stop()
	gate, ran := make(chan struct{}), make(chan struct{}, 100)
	for range 2 * idleWorkers {
		w.Schedule(func() { <-gate })
	}
	for range 100 {
		w.Schedule(func() { ran <- struct{}{} })
	}
	defer close(gate)
	for n := range 100 {
		select {
		case <-ran:
		case <-time.After(30 * time.Second):
			require.Fail(t, "the others wait for those that are busy", "%d of 100 ran", n)
		}
	}
}
