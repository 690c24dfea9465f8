package rpc_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/rocketmq-proxy/rocketmq-proxy/transport/rpc"
)

// attacked is a server with one client that does as it likes, in virtual time.
type attacked struct {
	t         *testing.T
	server    *rpc.Server
	memory    *memory
	malformed atomic.Int32
	calls     chan *rpc.Call
}

const stalled = time.Minute

// attack runs a test of it. When it ends nothing of the server may be left: no goroutine, of which synctest takes care, and no byte.
func attack(t *testing.T, test func(a *attacked)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &attacked{t: t, memory: &memory{}, calls: make(chan *rpc.Call, 10_000)}
		a.server = rpc.NewServer(rpc.Options{
			Service: service, Streams: map[string]bool{"Stream": true}, Budget: a.memory, WriteStall: stalled,
			Malformed: func(string) { a.malformed.Add(1) },
			Begin: func(c *rpc.Call, first []byte) {
				if c.Method() == "Say" {
					echo(c, first)
					return
				}
				a.calls <- c
			},
		})
		defer a.server.Close() // if the test fails
		test(a)
		a.server.Close()
		synctest.Wait()
		require.Zero(t, a.memory.usedNow())
	})
}

// peer is a client's side of HTTP/2, frame by frame.
type peer struct {
	*http2.Framer
	nc      net.Conn
	headers bytes.Buffer
	encoder *hpack.Encoder
	ended   chan struct{}                 // the server has closed the connection
	seen    atomic.Int64                  // bytes of DATA
	resets  atomic.Int64                  // streams that the server has reset
	status  atomic.Pointer[[]string]      // of gRPC and HTTP, as they came
	goAway  atomic.Pointer[http2.ErrCode] // nil: none
}

// dial connects. The server's frames are read, and pings are not answered.
func (a *attacked) dial(settings ...http2.Setting) *peer {
	p := a.connect()
	go p.read()
	_, _ = io.WriteString(p.nc, http2.ClientPreface)
	require.NoError(a.t, p.WriteSettings(settings...))
	return p
}

func (a *attacked) connect() *peer {
	ours, theirs := net.Pipe()
	a.server.Take(theirs, nil)
	p := &peer{Framer: http2.NewFramer(ours, ours), nc: ours, ended: make(chan struct{})}
	p.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	p.encoder = hpack.NewEncoder(&p.headers)
	a.t.Cleanup(func() { ours.Close() })
	return p
}

func (p *peer) read() {
	defer close(p.ended)
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.DataFrame:
			p.seen.Add(int64(len(f.Data())))
		case *http2.RSTStreamFrame:
			p.resets.Add(1)
		case *http2.GoAwayFrame:
			code := f.ErrCode
			p.goAway.Store(&code)
		case *http2.MetaHeadersFrame:
			for _, h := range f.Fields {
				if h.Name == "grpc-status" || h.Name == ":status" && h.Value != "200" {
					all := append([]string{}, p.statuses()...)
					all = append(all, h.Name+" "+h.Value)
					p.status.Store(&all)
				}
			}
		}
	}
}

func (p *peer) statuses() []string {
	if all := p.status.Load(); all != nil {
		return *all
	}
	return nil
}

// open begins a call. more are further header fields, name and value.
func (p *peer) open(stream uint32, method string, more ...string) error {
	return p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: p.block(method, more...), EndHeaders: true})
}

func (p *peer) block(method string, more ...string) []byte {
	p.headers.Reset()
	all := append([]string{
		":method", "POST", ":scheme", "http", ":path", "/" + service + "/" + method, ":authority", "test",
		"content-type", "application/grpc", "te", "trailers",
	}, more...)
	for i := 0; i < len(all); i += 2 {
		_ = p.encoder.WriteField(hpack.HeaderField{Name: all[i], Value: all[i+1]})
	}
	return bytes.Clone(p.headers.Bytes())
}

// framed is a message with a prefix that says a length.
func framed(compressed byte, says int, m []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{compressed}, uint32(says)), m...)
}

// call makes a whole call.
func (p *peer) call(stream uint32, method string, m []byte) error {
	if err := p.open(stream, method); err != nil {
		return err
	}
	return p.WriteData(stream, true, framed(0, len(m), m))
}

// isServed makes sure that somebody else is.
func (a *attacked) isServed() {
	a.t.Helper()
	p := a.dial()
	require.NoError(a.t, p.call(1, "Say", []byte("hello")))
	synctest.Wait()
	require.Equal(a.t, []string{"grpc-status 0"}, p.statuses())
	p.nc.Close()
}

func TestALengthAloneCostsNothing(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial()
		for i := range 100 {
			require.NoError(t, p.open(uint32(2*i+1), "Hold"))
			require.NoError(t, p.WriteData(uint32(2*i+1), false, framed(0, 16<<20, []byte("a little"))))
		}
		synctest.Wait()
		require.Less(t, a.memory.usedNow(), 100*(64<<10+8<<10+1))
		a.isServed()
		time.Sleep(31 * time.Second)
		synctest.Wait()
		require.Zero(t, a.memory.usedNow(), "a message that does not go on is not waited for")
		require.Len(t, p.statuses(), 100)
	})
}

func TestRequestsThatAreNoMessagesAreRefusedAndCounted(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial()
		for i, m := range [][]byte{
			nil, {0, 0}, framed(0, 100, []byte("less")), framed(1, 4, []byte("no gzip declared")[:4]),
		} {
			require.NoError(t, p.open(uint32(2*i+1), "Hold"))
			require.NoError(t, p.WriteData(uint32(2*i+1), true, m))
		}
		synctest.Wait()
		require.Equal(t, []string{"grpc-status 3", "grpc-status 3", "grpc-status 3", "grpc-status 3"}, p.statuses())
		require.Equal(t, int32(4), a.malformed.Load())
		require.NoError(t, p.open(101, "Hold"))
		require.NoError(t, p.WriteData(101, false, framed(0, 16<<20+1, nil)))
		synctest.Wait()
		require.Contains(t, p.statuses(), "grpc-status 8", "a message that is too long is not read")
		a.isServed()
	})
}

func TestAGzipBombIsNotInflated(t *testing.T) {
	attack(t, func(a *attacked) {
		var bomb bytes.Buffer
		w := gzip.NewWriter(&bomb)
		_, _ = io.Copy(w, io.LimitReader(zeros{}, 64<<20))
		w.Close()
		p := a.dial()
		go func() {
			_ = p.open(1, "Hold", "grpc-encoding", "gzip")
			for b := framed(1, bomb.Len(), bomb.Bytes()); len(b) > 0; {
				n := min(len(b), 16<<10)
				_ = p.WriteData(1, n == len(b), b[:n])
				b = b[n:]
			}
		}()
		synctest.Wait()
		require.Equal(t, []string{"grpc-status 8"}, p.statuses())
		a.isServed()
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// A client may keep its windows at zero, or read nothing at all.
func TestAnswersThatNobodyReadsAreCountedAndEnd(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		const answer = 1 << 20
		for i := range 20 {
			require.NoError(t, p.call(uint32(2*i+1), "Hold", []byte("x")))
			c := <-a.calls
			require.True(t, c.Write(make([]byte, answer)))
			c.End(rpc.Done)
		}
		synctest.Wait()
		require.Zero(t, p.seen.Load())
		require.Greater(t, a.memory.usedNow(), 20*(answer-8<<10))
		a.isServed()
		time.Sleep(stalled + time.Second)
		synctest.Wait()
		require.Equal(t, int64(20), p.resets.Load())
		require.Zero(t, a.memory.usedNow())
	})
}

func TestAnAnswerForWhichThereIsNoMemoryEndsItsCall(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial()
		require.NoError(t, p.call(1, "Hold", []byte("x")))
		c := <-a.calls
		a.memory.fill()
		require.True(t, c.Write(make([]byte, 1000)), "a short answer says what was done")
		require.False(t, c.Write(make([]byte, 1<<20)))
		synctest.Wait()
		require.Equal(t, []string{"grpc-status 8"}, p.statuses())
	})
}

func TestAClientThatReadsNothingIsDisconnected(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.connect()
		go func() {
			_, _ = io.WriteString(p.nc, http2.ClientPreface)
			_ = p.WriteSettings()
			_ = p.call(1, "Hold", []byte("x"))
		}()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		require.Zero(t, a.memory.usedNow())
		_, err := p.nc.Write([]byte("x"))
		require.ErrorIs(t, err, io.ErrClosedPipe)
	})
}

func TestStreamsAreBounded(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial()
		for i := range 5000 {
			if p.open(uint32(2*i+1), "Hold") != nil {
				break
			}
		}
		synctest.Wait()
		require.GreaterOrEqual(t, p.resets.Load(), int64(5000-4096))
		require.LessOrEqual(t, a.memory.usedNow(), 4096*(8<<10))
		a.isServed()
		time.Sleep(31 * time.Second)
		synctest.Wait()
		require.Zero(t, a.memory.usedNow())
	})
}

// Each must end with its connection, or change nothing; others are served meanwhile.
func TestFloodsOfFramesTouchNobodyElse(t *testing.T) {
	for name, flood := range map[string]func(p *peer, i int) error{
		"rapid reset": func(p *peer, i int) error {
			if err := p.open(uint32(2*i+1), "Hold"); err != nil {
				return err
			}
			return p.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel)
		},
		"CONTINUATION": func(p *peer, i int) error {
			if i == 0 {
				return p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.block("Hold"), EndHeaders: false})
			}
			p.headers.Reset()
			_ = p.encoder.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("y", 1000), Sensitive: true})
			return p.WriteContinuation(1, false, p.headers.Bytes())
		},
		"empty CONTINUATION": func(p *peer, i int) error {
			if i == 0 {
				return p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.block("Hold"), EndHeaders: false})
			}
			return p.WriteContinuation(1, false, nil)
		},
		"PING": func(p *peer, _ int) error { return p.WritePing(false, [8]byte{}) },
		"SETTINGS": func(p *peer, _ int) error {
			return p.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 15})
		},
		"data on a closed stream": func(p *peer, i int) error {
			if i == 0 {
				return p.call(1, "Say", []byte("x"))
			}
			return p.WriteData(1, false, []byte("more"))
		},
		"window updates": func(p *peer, _ int) error { return p.WriteWindowUpdate(0, 1<<20) },
	} {
		t.Run(name, func(t *testing.T) {
			attack(t, func(a *attacked) {
				p := a.dial()
				before := runtime.NumGoroutine()
				for i := range 12_000 {
					if flood(p, i) != nil {
						break
					}
				}
				synctest.Wait()
				require.Less(t, runtime.NumGoroutine()-before, 4200)
				a.isServed()
				p.nc.Close()
				synctest.Wait()
				require.Zero(t, a.memory.usedNow())
			})
		})
	}
}

func TestLargeMetadataIsRefused(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial()
		value := strings.Repeat("a", 4000)
		require.NoError(t, p.open(1, "Hold", "x", value, "y", value, "z", value, "v", value, "w", value))
		synctest.Wait()
		require.Equal(t, []string{":status 431"}, p.statuses())
		require.NoError(t, p.call(3, "Say", []byte("x")))
		synctest.Wait()
		require.Contains(t, p.statuses(), "grpc-status 0", "the connection goes on")
		block := p.block("Hold", "x", strings.Repeat("y", 40<<10))
		require.NoError(t, p.WriteHeaders(http2.HeadersFrameParam{StreamID: 5, BlockFragment: block[:16<<10]}))
		_ = p.WriteContinuation(5, true, block[16<<10:32<<10])
		<-p.ended // what is longer than one frame, and too long, ends it
		a.isServed()
	})
}

// One field of the table, named a thousand times: few bytes that become many.
func TestAnHPACKBombIsRefused(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial()
		var more []string
		for range 1000 {
			more = append(more, "bomb", strings.Repeat("y", 3000))
		}
		block := p.block("Hold", more...)
		require.Less(t, len(block), 8<<10)
		require.NoError(t, p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block, EndHeaders: true}))
		synctest.Wait()
		require.NotContains(t, p.statuses(), "grpc-status 0")
		require.Empty(t, a.calls)
		a.isServed()
	})
}

func TestASlowPrefaceIsNotWaitedFor(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.connect()
		_, err := io.WriteString(p.nc, http2.ClientPreface[:10])
		require.NoError(t, err)
		time.Sleep(11 * time.Second)
		synctest.Wait()
		_, err = p.nc.Write([]byte("x"))
		require.ErrorIs(t, err, io.ErrClosedPipe)
	})
}

func TestWhatIsNoHTTP2IsCounted(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial()
		require.NoError(t, p.WriteRawFrame(http2.FrameWindowUpdate, 0, 0, make([]byte, 3)))
		<-p.ended
		synctest.Wait()
		require.Equal(t, int32(1), a.malformed.Load())
		a.isServed()
	})
}

// A stream's next message is not read before the one before it is done with.
func TestMessagesOfAStreamDoNotPileUp(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial()
		require.NoError(t, p.open(1, "Stream"))
		require.NoError(t, p.WriteData(1, false, framed(0, 5, []byte("first"))))
		c := <-a.calls
		got := make(events, 1000)
		c.Bind(got)
		for range 100 {
			require.NoError(t, p.WriteData(1, false, framed(0, 100, make([]byte, 100))))
		}
		synctest.Wait()
		require.Len(t, got, 1)
		for range 99 {
			(<-got).(*rpc.Message).Taken()
			synctest.Wait()
			require.Len(t, got, 1)
		}
		c.End(rpc.Done)
	})
}

// The proxy's own streams stay for as long as their clients.
func TestAnIdleStreamStays(t *testing.T) {
	attack(t, func(a *attacked) {
		p := a.dial()
		require.NoError(t, p.open(1, "Stream"))
		require.NoError(t, p.WriteData(1, false, framed(0, 5, []byte("first"))))
		c := <-a.calls
		c.Write([]byte("settings"))
		ctx, cancel := context.WithTimeout(context.Background(), 70*time.Second)
		defer cancel()
		<-ctx.Done() // longer than a message or an answer may take, and shorter than a ping that this client does not answer
		c.Write([]byte("command"))
		synctest.Wait()
		require.Equal(t, int64(len("settings")+len("command")+2*5), p.seen.Load())
		require.Zero(t, p.resets.Load())
		c.End(rpc.Done)
	})
}
