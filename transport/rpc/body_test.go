package rpc

import (
	"bytes"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// noBudget has room for everything.
type noBudget struct{}

func (noBudget) Reserve(int) bool { return true }
func (noBudget) Release(int)      {}
func (noBudget) Over() bool       { return false }

// body is that of a request. A client may send 64 KiB behind the message.
type body struct {
	bytes.Reader
	closed atomic.Bool
}

func (b *body) Close() error {
	b.closed.Store(true)
	return nil
}

// What a client sends behind the only message of a call is not kept until the call ends: there is room for 16 MB of it in each
// connection, which nobody counts.
func TestWhatComesAfterTheOnlyMessageIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, method := range []string{"Say", "Stream"} {
			b := &body{Reader: *bytes.NewReader([]byte("\x00\x00\x00\x00\x02hi and more"))}
			s := &Server{options: Options{Service: "test", Streams: map[string]bool{"Stream": true}, Budget: noBudget{}, WriteStall: time.Minute}}
			s.options.Begin = func(c *Call, first []byte) {
				require.Equal(t, "hi", string(first))
				go func() {
					time.Sleep(time.Second)
					require.Equal(t, method == "Say", b.closed.Load(), method)
					c.End(Done)
				}()
			}
			r := httptest.NewRequest("POST", "/test/"+method, b)
			r.Header.Set("Content-Type", "application/grpc")
			s.serve(httptest.NewRecorder(), r)
			time.Sleep(2 * time.Second) // what follows on the stream is no message, which ends it
		}
	})
}
