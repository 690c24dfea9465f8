package rpc

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	_ "google.golang.org/grpc/encoding/gzip" // clients may compress
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// Budget is where the bytes of requests are counted while calls work on them.
type Budget interface {
	Reserve(n int) bool
	Release(n int)
	Over() bool
}

// Options are how a server serves.
type Options struct {
	Service string // "apache.rocketmq.v2.MessagingService"; calls of others are unknown
	// Begin gets each call with its first message. It must Bind and End it, and must not block.
	Begin func(c *Call, first []byte)
	// Streams are the methods whose clients send more than one message.
	Streams map[string]bool
	Budget  Budget
}

// Limits of a connection. Requests may be as long as a batch of the longest messages. Clients' pings are taken as often as
// the C++ SDK sends them, also without streams; ours find dead peers.
const (
	maxRequest      = 16 << 20
	maxHeaders      = 16 << 10
	maxStreams      = 4096
	streamWindow    = 64 << 10
	connWindow      = 16 << 20
	writeBuffer     = 16 << 10
	readBuffer      = 4 << 10
	pingEvery       = 60 * time.Second
	pingTimeout     = 20 * time.Second
	clientPingLimit = 5 * time.Second
	handshakeTime   = 10 * time.Second
)

// Server serves connections.
type Server struct {
	options Options
	grpc    *grpc.Server
	inbox   *inbox
}

// NewServer makes a server and starts it.
func NewServer(o Options) *Server {
	s := &Server{options: o, inbox: newInbox()}
	s.grpc = grpc.NewServer(
		grpc.ForceServerCodecV2(raw{}), grpc.UnknownServiceHandler(s.serve),
		grpc.MaxRecvMsgSize(maxRequest), grpc.MaxSendMsgSize(1<<31-1), grpc.MaxHeaderListSize(maxHeaders), grpc.MaxConcurrentStreams(maxStreams),
		grpc.StaticStreamWindowSize(streamWindow), grpc.StaticConnWindowSize(connWindow),
		grpc.SharedWriteBuffer(true), grpc.WriteBufferSize(writeBuffer), grpc.ReadBufferSize(readBuffer), grpc.ConnectionTimeout(handshakeTime),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingTimeout}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: clientPingLimit, PermitWithoutStream: true}),
	)
	go s.grpc.Serve(s.inbox) // until Close
	return s
}

// Take serves a connection, which is its from now on. TLS is done.
func (s *Server) Take(nc net.Conn) { s.inbox.put(nc) }

// LetGo has connections end when their calls have ended (GOAWAY), and takes no more of them. It returns at once.
func (s *Server) LetGo() { go s.grpc.GracefulStop() }

// Close ends all connections.
func (s *Server) Close() { s.grpc.Stop() }

// Ends of calls that do not begin.
var (
	errMemory    = status.New(codes.ResourceExhausted, "the proxy has no memory left (limits.buffer_total)").Err()
	errNoMessage = status.New(codes.InvalidArgument, "the request has no message").Err()
)

// serve is one call, on its goroutine. It writes what the call is told to, and ends as it is told to.
func (s *Server) serve(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	service, method, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if service != s.options.Service {
		return status.Errorf(codes.Unimplemented, "service %.100q is not known", service)
	}
	if s.options.Budget.Over() {
		return errMemory
	}
	var first []byte
	if err := stream.RecvMsg(&first); err != nil {
		return receiveError(err)
	}
	if !s.options.Budget.Reserve(len(first)) {
		return errMemory
	}
	defer s.options.Budget.Release(len(first))
	c := newCall(stream.Context(), method)
	s.options.Begin(c, first)
	if s.options.Streams[method] {
		go receive(c, stream)
	}
	return write(c, stream)
}

// receiveError is how a call ends whose first message did not come.
func receiveError(err error) error {
	if errors.Is(err, io.EOF) {
		return errNoMessage
	}
	return err
}

// receive delivers further messages of a stream.
func receive(c *Call, stream grpc.ServerStream) {
	for {
		var m []byte
		err := stream.RecvMsg(&m)
		if errors.Is(err, io.EOF) {
			c.deliver(&HalfClosed{})
			return
		}
		if err != nil {
			return // the writer notices it
		}
		c.deliver(&Message{m})
	}
}

func write(c *Call, stream grpc.ServerStream) error {
	for {
		out, end := c.next()
		for _, m := range out {
			if err := stream.SendMsg(m); err != nil {
				return canceled(c, err)
			}
			c.sent(len(m))
		}
		if end != nil {
			c.leave()
			return status.New(codes.Code(end.Code), end.Message).Err()
		}
		select {
		case <-c.wake:
		case <-stream.Context().Done():
			return canceled(c, stream.Context().Err())
		}
	}
}

func canceled(c *Call, err error) error {
	if !c.leave() {
		c.deliver(&Canceled{})
	}
	return err
}

// raw is a codec that leaves messages as they are.
type raw struct{}

func (raw) Name() string { return "proto" }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(v.([]byte))}, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	*v.(*[]byte) = data.Materialize()
	return nil
}

// inbox is the listener that grpc-go accepts connections from.
type inbox struct {
	mu     sync.Mutex
	queue  []net.Conn
	wake   chan struct{}
	closed chan struct{}
	once   sync.Once
}

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1), closed: make(chan struct{})} }

func (i *inbox) put(nc net.Conn) {
	i.mu.Lock()
	defer i.mu.Unlock()
	select {
	case <-i.closed:
		nc.Close()
		return
	default:
	}
	i.queue = append(i.queue, nc)
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// Accept is part of net.Listener.
func (i *inbox) Accept() (net.Conn, error) {
	for {
		i.mu.Lock()
		if len(i.queue) > 0 {
			nc := i.queue[0]
			i.queue = i.queue[1:]
			i.mu.Unlock()
			return nc, nil
		}
		i.mu.Unlock()
		select {
		case <-i.wake:
		case <-i.closed:
			return nil, net.ErrClosed
		}
	}
}

// Close is part of net.Listener.
func (i *inbox) Close() error {
	i.once.Do(func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		close(i.closed)
		for _, nc := range i.queue {
			nc.Close()
		}
		i.queue = nil
	})
	return nil
}

// Addr is part of net.Listener.
func (i *inbox) Addr() net.Addr { return &net.TCPAddr{} }
