package rpc

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
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

// messages reads a client's messages. The bytes of a message are taken from the budget before they are read, and are given back
// when the call ends; of a stream when the next message comes.
type messages struct {
	body       io.Reader
	compressed bool
	budget     Budget

	mu       sync.Mutex
	reserved int
	released bool
}

var (
	errNoMessage = errors.New("the request has no message")
	errTooLong   = fmt.Errorf("the message has more than %d bytes", maxRequest)
	errMemory    = errors.New("the proxy has no memory left (limits.buffer_total)")
)

// next reads a message.
func (m *messages) next() ([]byte, error) {
	var prefix [prefixLen]byte
	if n, err := io.ReadFull(m.body, prefix[:]); err != nil {
		if n == 0 && errors.Is(err, io.EOF) {
			err = errNoMessage
		}
		return nil, err
	}
	size := binary.BigEndian.Uint32(prefix[1:])
	switch {
	case size > maxRequest:
		return nil, errTooLong
	case !m.reserve(int(size)):
		return nil, errMemory
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(m.body, b); err != nil {
		return nil, io.ErrUnexpectedEOF
	}
	if prefix[0] == 0 {
		return b, nil
	}
	return m.inflate(b)
}

// inflate unpacks a compressed message, which counts by what it may become.
func (m *messages) inflate(b []byte) ([]byte, error) {
	if !m.compressed {
		return nil, errors.New("the message is compressed, and grpc-encoding is not gzip")
	}
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if !m.reserve(maxRequest) {
		return nil, errMemory
	}
	plain, err := io.ReadAll(io.LimitReader(r, maxRequest+1))
	if err == nil && len(plain) > maxRequest {
		err = errTooLong
	}
	return plain, err
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

// statusOf is how a call ends whose first message cannot be read.
func statusOf(err error) Status {
	if errors.Is(err, errTooLong) || errors.Is(err, errMemory) {
		return ResourceExhausted(err.Error())
	}
	return InvalidArgument(err.Error())
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
