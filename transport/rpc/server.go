package rpc

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"time"
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
	// Malformed is told of each client that sends what is no HTTP/2, or no gRPC.
	Malformed func(reason string)
	// WriteStall is how long a client may take nothing of what is written.
	WriteStall time.Duration
}

// Limits of a connection. Requests may be as long as a batch of the longest messages. Pings find dead peers.
const (
	maxRequest   = 16 << 20
	maxStreamed  = 1 << 20 // of a message of a stream
	maxHeaders   = 16 << 10
	maxStreams   = 4096
	streamWindow = 64 << 10
	connWindow   = 16 << 20
	pingEvery    = 60 * time.Second
	pingTimeout  = 20 * time.Second
	prefaceTime  = 10 * time.Second
	// callCost is about what a call takes, in bytes: its goroutine, its headers, and a short answer.
	callCost = 8 << 10
)

// Server serves connections.
type Server struct {
	options Options
	http    *http.Server
	inbox   *inbox
}

// NewServer makes a server and starts it.
func NewServer(o Options) *Server {
	s := &Server{options: o, inbox: newInbox()}
	s.http = &http.Server{
		Handler: http.HandlerFunc(s.serve), Protocols: &http.Protocols{}, MaxHeaderBytes: maxHeaders, ReadHeaderTimeout: prefaceTime,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReceiveBufferPerStream: streamWindow, MaxReceiveBufferPerConnection: connWindow,
			SendPingTimeout: pingEvery, PingTimeout: pingTimeout, WriteByteTimeout: o.WriteStall, CountError: s.countError,
		},
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context { return context.WithValue(ctx, connKey{}, nc) },
		ErrorLog:    log.New(io.Discard, "", 0), // of what clients do, as closing in the middle
	}
	s.http.Protocols.SetUnencryptedHTTP2(true)
	go s.http.Serve(s.inbox) // until Close
	return s
}

// countError is told by net/http what a client has done. What can be said of clients that are just gone, or were quicker than what
// they had been told, is not malformed.
func (s *Server) countError(kind string) {
	switch kind {
	case "closed", "stream_went_down", "over_max_streams", "over_max_streams_race":
		return
	}
	if !strings.HasPrefix(kind, "read_frame_") {
		s.options.Malformed(kind)
	}
}

// connKey is that of the connection in the context of its requests.
type connKey struct{}

// Take serves a connection, which is its from now on. TLS is done. peer is what calls say of whose they are.
func (s *Server) Take(nc net.Conn, peer any) { s.inbox.put(hidden{nc, peer}) }

// hidden hides from net/http that a connection is under TLS: it would look for what the client and it had agreed on.
type hidden struct {
	net.Conn
	peer any
}

// LetGo has connections end when their calls have ended (GOAWAY), and takes no more of them. It returns at once.
func (s *Server) LetGo() {
	go s.http.Shutdown(context.Background()) // Close ends it
}

// Close ends all connections.
func (s *Server) Close() {
	s.inbox.Close()
	s.http.Close()
}

// serve is one call, on its goroutine. It writes what the call is told to, and ends as it is told to.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	w.Header().Set("Content-Type", "application/grpc")
	w.Header()["Date"] = nil
	ctx, cancel := withTimeout(r.Context(), r.Header.Get("Grpc-Timeout"))
	defer cancel()
	end(w, s.call(ctx, w, r))
}

// call returns how a call ends.
func (s *Server) call(ctx context.Context, w http.ResponseWriter, r *http.Request) Status {
	service, method, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if service != s.options.Service {
		return Unimplemented("the service is not known")
	}
	budget := s.options.Budget
	if budget.Over() || !budget.Reserve(callCost) {
		return ResourceExhausted(errMemory.Error())
	}
	defer budget.Release(callCost)
	stream := http.NewResponseController(w)
	in := &messages{
		body: r.Body, compressed: r.Header.Get("Grpc-Encoding") == "gzip", most: maxRequest, budget: budget,
		watch: &watch{after: messageTime, end: stream.SetReadDeadline},
	}
	defer in.release()
	defer in.watch.close()
	first, err := in.first()
	if err != nil {
		status, malformed := statusOf(err)
		if malformed && ctx.Err() == nil {
			s.options.Malformed(err.Error())
		}
		return status
	}
	c := newCall(ctx, budget, method, r)
	s.options.Begin(c, first)
	if s.options.Streams[method] {
		in.most = maxStreamed
		go receive(ctx, c, in)
	} else {
		r.Body.Close() // what comes after the only message is not kept
	}
	out := &watch{after: s.options.WriteStall, end: stream.SetWriteDeadline}
	defer out.close()
	return write(ctx, c, w, out)
}

// receive delivers further messages of a stream, each when the one before it is done with.
func receive(ctx context.Context, c *Call, in *messages) {
	for {
		b, err := in.next()
		switch {
		case errors.Is(err, errNoMessage):
			c.deliver(&HalfClosed{})
			return
		case errors.Is(err, errTooLong), errors.Is(err, errMemory):
			c.End(ResourceExhausted(err.Error()))
			c.deliver(&Canceled{})
			return
		case err != nil:
			return // the writer notices it
		}
		m := &Message{b, make(chan struct{})}
		c.deliver(m)
		select {
		case <-m.taken:
		case <-ctx.Done():
			return
		}
	}
}

func write(ctx context.Context, c *Call, w http.ResponseWriter, watch *watch) Status {
	stream := http.NewResponseController(w)
	for {
		out, end := c.next()
		for _, m := range out {
			_, err := w.Write(prefixOf(m))
			if err == nil {
				err = watch.write(w, m)
			}
			if err != nil {
				return canceled(c)
			}
			c.sent(len(m))
		}
		if end != nil {
			c.leave()
			return *end
		}
		if len(out) > 0 && watch.flush(stream) != nil {
			return canceled(c)
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return canceled(c)
		}
	}
}

func canceled(c *Call) Status {
	if !c.leave() {
		c.deliver(&Canceled{})
	}
	return DeadlineExceeded("the client's deadline has passed")
}
