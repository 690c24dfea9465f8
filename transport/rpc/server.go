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
}

// Limits of a connection. Requests may be as long as a batch of the longest messages. Pings find dead peers.
const (
	maxRequest   = 16 << 20
	maxHeaders   = 16 << 10
	maxStreams   = 4096
	streamWindow = 64 << 10
	connWindow   = 16 << 20
	pingEvery    = 60 * time.Second
	pingTimeout  = 20 * time.Second
	prefaceTime  = 10 * time.Second
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
			SendPingTimeout: pingEvery, PingTimeout: pingTimeout,
		},
		ConnContext: func(ctx context.Context, nc net.Conn) context.Context { return context.WithValue(ctx, connKey{}, nc) },
		ErrorLog:    log.New(io.Discard, "", 0), // of what clients do, as closing in the middle
	}
	s.http.Protocols.SetUnencryptedHTTP2(true)
	go s.http.Serve(s.inbox) // until Close
	return s
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
	in := &messages{body: r.Body, compressed: r.Header.Get("Grpc-Encoding") == "gzip", budget: s.options.Budget}
	defer in.release()
	first, err := in.next()
	if err != nil {
		return statusOf(err)
	}
	c := newCall(ctx, method, r)
	s.options.Begin(c, first)
	if s.options.Streams[method] {
		go receive(c, in)
	} else {
		r.Body.Close() // what comes after the only message is not kept
	}
	return write(ctx, c, w)
}

// receive delivers further messages of a stream.
func receive(c *Call, in *messages) {
	for {
		m, err := in.next()
		switch {
		case errors.Is(err, errNoMessage):
			c.deliver(&HalfClosed{})
			return
		case err != nil:
			return // the writer notices it
		}
		c.deliver(&Message{m})
	}
}

func write(ctx context.Context, c *Call, w http.ResponseWriter) Status {
	flush := http.NewResponseController(w).Flush
	for {
		out, end := c.next()
		for _, m := range out {
			_, err := w.Write(prefixOf(m))
			if err == nil {
				_, err = w.Write(m)
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
		if len(out) > 0 && flush() != nil {
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
