package rpc

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// What gRPC writes into HTTP/2 (PROTOCOL-HTTP2.md): messages with a prefix of five bytes, a timeout, and how a call ends.

// prefixLen is the length of a message's prefix: a byte that says whether it is compressed, and its length.
const prefixLen = 5

func prefixOf(m []byte) []byte {
	return binary.BigEndian.AppendUint32([]byte{0}, uint32(len(m)))
}

// messages reads a client's messages. Their bytes are taken from the budget as they come, before they are read: a length alone
// costs its sender nothing, and so it costs the others nothing. They are given back when the call ends; of a stream when the next
// message comes.
type messages struct {
	body       io.Reader
	compressed bool
	most       int // bytes of a message
	budget     Budget
	watch      *watch

	mu       sync.Mutex
	reserved int
	released bool
}

var (
	errNoMessage = errors.New("the request has no message")
	errTooLong   = errors.New("the message is too long")
	errMemory    = errors.New("the proxy has no memory left (limits.buffer_total)")
	errCut       = errors.New("the request ends within a message")
	errNotGzip   = errors.New("the message is compressed, and grpc-encoding is not gzip")
)

// messageTime is how long a client may take for a piece of a message, and for the beginning of its first one.
const messageTime = 30 * time.Second

// first reads the first message, which has to come in time.
func (m *messages) first() ([]byte, error) {
	m.watch.begin()
	return m.next()
}

// next reads a message.
func (m *messages) next() ([]byte, error) {
	defer m.watch.rest()
	var prefix [prefixLen]byte
	if n, err := io.ReadFull(m.body, prefix[:]); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			return nil, errNoMessage
		}
		return nil, cut(err)
	}
	size := binary.BigEndian.Uint32(prefix[1:])
	if uint64(size) > uint64(m.most) {
		return nil, errTooLong
	}
	b, err := m.read(int(size))
	if err != nil || prefix[0] == 0 {
		return b, err
	}
	return m.inflate(b)
}

// cut tells the end of a request from that of its connection.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errCut
	}
	return err
}

// read reads so many bytes, in pieces that double.
func (m *messages) read(size int) ([]byte, error) {
	b := []byte{}
	for next := piece; ; next *= 2 {
		n := min(size, next)
		if !m.reserve(n) {
			return nil, errMemory
		}
		grown := make([]byte, n)
		m.watch.begin()
		if _, err := io.ReadFull(m.body, grown[copy(grown, b):]); err != nil {
			return nil, cut(err)
		}
		if b = grown; n == size {
			return b, nil
		}
	}
}

// inflate unpacks a compressed message, which counts by what it may become.
func (m *messages) inflate(b []byte) ([]byte, error) {
	if !m.compressed {
		return nil, errNotGzip
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if !m.reserve(len(b) + m.most) {
		return nil, errMemory
	}
	plain, err := io.ReadAll(io.LimitReader(r, int64(m.most)+1))
	if err == nil && len(plain) > m.most {
		err = errTooLong
	}
	return plain, cut(err)
}

// reserve takes bytes in the place of what was reserved before.
func (m *messages) reserve(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.budget.Release(m.reserved)
	m.reserved = 0
	if m.released || m.budget.Over() || !m.budget.Reserve(n) {
		return false
	}
	m.reserved = n
	return true
}

// release gives everything back, for good.
func (m *messages) release() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.budget.Release(m.reserved)
	m.reserved, m.released = 0, true
}

// statusOf is how a call ends whose first message cannot be read, and whether the client has sent what is no gRPC.
func statusOf(err error) (s Status, malformed bool) {
	var flate flate.CorruptInputError
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, errMemory):
		return ResourceExhausted(err.Error()), false
	case errors.Is(err, errNoMessage), errors.Is(err, errCut), errors.Is(err, errNotGzip), errors.Is(err, gzip.ErrHeader),
		errors.Is(err, gzip.ErrChecksum), errors.As(err, &flate):
		return InvalidArgument(err.Error()), true
	}
	return DeadlineExceeded("the request has not come in time"), false // or its client is gone
}

// withTimeout is a context that ends when a client no longer waits: eight digits and a unit.
func withTimeout(ctx context.Context, text string) (context.Context, context.CancelFunc) {
	units := map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second, 'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond}
	if len(text) < 2 || len(text) > 9 {
		return context.WithCancel(ctx)
	}
	unit := units[text[len(text)-1]]
	n, err := strconv.ParseUint(text[:len(text)-1], 10, 32)
	if err != nil || unit == 0 || n > uint64(longestTimeout/unit) {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Duration(n)*unit)
}

// longestTimeout is about what a time.Duration holds; the Java SDK says 60 years, which is none.
const longestTimeout = 100 * 365 * 24 * time.Hour

// end writes how a call ends, as trailers. What was written goes first, as an answer that is short would get a length.
func end(w http.ResponseWriter, s Status) {
	_ = http.NewResponseController(w).Flush() // an error means that the client is gone
	w.Header().Set(http.TrailerPrefix+"Grpc-Status", strconv.FormatUint(uint64(s.Code), 10))
	if s.Message != "" {
		w.Header().Set(http.TrailerPrefix+"Grpc-Message", url.PathEscape(s.Message))
	}
}
