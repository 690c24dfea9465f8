package rpc_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport/rpc"
)

const service = "test.Service"

// memory is a budget that a test can use up.
type memory struct {
	mu   sync.Mutex
	used int
	over bool
	full bool
}

func (m *memory) Reserve(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full && n > 0 {
		return false
	}
	m.used += n
	return true
}

// fill has nothing more be reserved.
func (m *memory) fill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.full = true
}

func (m *memory) Release(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used -= n
}

func (m *memory) Over() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.over
}

func (m *memory) usedNow() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// events is a sink.
type events chan any

func (e events) Deliver(event any) { e <- event }

func start(t *testing.T, budget *memory, begin func(c *rpc.Call, first []byte)) *grpc.ClientConn {
	s := rpc.NewServer(rpc.Options{
		Service: service, Begin: begin, Streams: map[string]bool{"Stream": true}, Budget: budget,
		Malformed: func(string) {}, WriteStall: time.Minute,
	})
	t.Cleanup(s.Close)
	conn, err := grpc.NewClient("passthrough:///test", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			s.Take(theirs, nil)
			return ours, nil
		}))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func echo(c *rpc.Call, first []byte) {
	c.Write(first)
	c.End(rpc.Done)
}

func call(conn *grpc.ClientConn, method, text string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	answer := &wrapperspb.StringValue{}
	err := conn.Invoke(ctx, "/"+service+"/"+method, wrapperspb.String(text), answer)
	return answer.Value, err
}

func TestACallIsItsBytes(t *testing.T) {
	budget := &memory{}
	got := make(chan *rpc.Call, 1)
	conn := start(t, budget, func(c *rpc.Call, first []byte) {
		got <- c
		echo(c, first)
	})
	ctx, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(context.Background(), "x-mq-client-id", "me"), time.Minute)
	defer cancel()
	answer := &wrapperspb.StringValue{}
	require.NoError(t, conn.Invoke(ctx, "/"+service+"/Say", wrapperspb.String("hello"), answer))
	require.Equal(t, "hello", answer.Value)
	c := <-got
	require.Equal(t, "Say", c.Method())
	require.Equal(t, "me", c.Metadata("x-mq-client-id"))
	require.Empty(t, c.Metadata("other"))
	deadline, ok := c.Deadline()
	require.True(t, ok)
	require.WithinDuration(t, time.Now().Add(time.Minute), deadline, 10*time.Second)
	require.Eventually(t, func() bool { return budget.usedNow() == 0 }, 10*time.Second, time.Millisecond)
}

func TestOtherServicesAreNotKnown(t *testing.T) {
	conn := start(t, &memory{}, echo)
	err := conn.Invoke(context.Background(), "/other.Service/Say", wrapperspb.String(""), &wrapperspb.StringValue{})
	require.Equal(t, codes.Unimplemented, status.Code(err))
}

func TestWithoutMemoryCallsAreRefused(t *testing.T) {
	conn := start(t, &memory{over: true}, echo)
	_, err := call(conn, "Say", "hello")
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
}

func TestAnEndHasItsStatus(t *testing.T) {
	conn := start(t, &memory{}, func(c *rpc.Call, _ []byte) { c.End(rpc.InvalidArgument("why")) })
	_, err := call(conn, "Say", "hello")
	require.Equal(t, codes.InvalidArgument, status.Code(err))
	require.ErrorContains(t, err, "why")
}

func TestAStreamGoesBothWaysUntilTheClientLeaves(t *testing.T) {
	got := make(events, 10)
	conn := start(t, &memory{}, func(c *rpc.Call, first []byte) {
		c.Write(first)
		c.Bind(got)
	})
	ctx, cancel := context.WithCancel(context.Background())
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true, ServerStreams: true}, "/"+service+"/Stream")
	require.NoError(t, err)
	require.NoError(t, stream.SendMsg(wrapperspb.String("first")))
	answer := &wrapperspb.StringValue{}
	require.NoError(t, stream.RecvMsg(answer))
	require.Equal(t, "first", answer.Value)
	require.NoError(t, stream.SendMsg(wrapperspb.String("second")))
	m, ok := (<-got).(*rpc.Message)
	require.True(t, ok)
	m.Taken()
	require.NoError(t, stream.CloseSend())
	require.IsType(t, &rpc.HalfClosed{}, <-got)
	cancel()
	require.IsType(t, &rpc.Canceled{}, <-got)
}

func TestWhatHappensBeforeItsSinkIsKnownIsNotLost(t *testing.T) {
	begun := make(chan *rpc.Call, 1)
	conn := start(t, &memory{}, func(c *rpc.Call, _ []byte) { begun <- c })
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, 1)
	go func() {
		failed <- conn.Invoke(ctx, "/"+service+"/Say", wrapperspb.String(""), &wrapperspb.StringValue{})
	}()
	c := <-begun
	cancel()
	require.Error(t, <-failed)
	got := make(events, 10)
	require.Eventually(t, func() bool { c.Bind(got); return len(got) > 0 }, 10*time.Second, time.Millisecond)
	require.IsType(t, &rpc.Canceled{}, <-got)
}
