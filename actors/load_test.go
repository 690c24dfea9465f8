package actors_test

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/proxytest"
)

// load is several clients that send requests without a pause, some at a time, and account for every answer.
type load struct {
	addr    string
	stop    chan struct{}
	wg      sync.WaitGroup
	relayed atomic.Int64 // answered by the broker
	own     atomic.Int64 // answered by the proxy
	cut     atomic.Int64 // connections that ended with requests in flight
	dials   atomic.Int64
	errs    chan error // what must not be
}

func startLoad(addr string, clients int) *load {
	l := &load{addr: addr, stop: make(chan struct{}), errs: make(chan error, clients)}
	for i := range clients {
		l.wg.Go(func() {
			if err := l.client(i); err != nil {
				l.errs <- err
			}
		})
	}
	return l
}

// end stops the load and insists that nothing was wrong.
func (l *load) end(t *testing.T) {
	t.Helper()
	close(l.stop)
	l.wg.Wait()
	select {
	case err := <-l.errs:
		require.NoError(t, err)
	default:
	}
}

// progress waits until the broker has answered n more requests.
func (l *load) progress(t *testing.T, n int64) {
	t.Helper()
	goal := l.relayed.Load() + n
	proxytest.Until(t, fmt.Sprintf("%d more requests are answered", n), func() bool { return l.relayed.Load() >= goal || len(l.errs) > 0 })
}

func (l *load) client(id int) error {
	opaque := int32(id * 1_000_000)
	for {
		nc, err := net.DialTimeout("tcp", l.addr, proxytest.Patience)
		if err != nil {
			return err
		}
		l.dials.Add(1)
		done, err := l.session(nc, &opaque)
		nc.Close()
		if done || err != nil {
			return err
		}
		l.cut.Add(1)
	}
}

// session works until the load ends (done) or the proxy closes the connection.
func (l *load) session(nc net.Conn, opaque *int32) (done bool, err error) {
	const inFlight = 8
	for {
		select {
		case <-l.stop:
			return true, nil
		default:
		}
		nc.SetDeadline(time.Now().Add(proxytest.Patience))
		waiting := map[int32]string{}
		var b []byte
		for range inFlight {
			*opaque++
			waiting[*opaque] = fmt.Sprint("body of ", *opaque)
			c := &codec.Command{Code: codec.ReqSendMessageV2, Opaque: *opaque, Body: []byte(waiting[*opaque])}
			b = c.Append(b, codec.JSON)
		}
		if _, err := nc.Write(b); err != nil {
			return false, nil
		}
		for len(waiting) > 0 {
			c, _, err := codec.ReadCommand(nc, codec.Limits{})
			var timeout net.Error
			switch {
			case errors.As(err, &timeout) && timeout.Timeout():
				return false, fmt.Errorf("client %s: requests %v are never answered", nc.LocalAddr(), waiting)
			case err != nil:
				return false, nil
			}
			body, ok := waiting[c.Opaque]
			if !ok {
				return false, fmt.Errorf("an answer to %d, which was answered before or never asked: %+v", c.Opaque, c)
			}
			delete(waiting, c.Opaque)
			switch {
			case c.Code == codec.ResSuccess && string(c.Body) == body:
				l.relayed.Add(1)
			case c.Code == codec.ResSystemError || c.Code == codec.ResServiceNotAvailable:
				l.own.Add(1)
			default:
				return false, fmt.Errorf("request %d got code %d and body %q", c.Opaque, c.Code, c.Body)
			}
		}
	}
}

// TestKilledActorsUnderLoad kills actors of each kind while clients work. Each request is answered once, or its
// connection ends if that is what the kind's death means, and in the end nothing is left over. The window is so
// small that a few chunks that were not given back would stop a client for good.
func TestKilledActorsUnderLoad(t *testing.T) {
	kinds := []struct {
		kind  string
		kills int  // below the kind's limit
		cuts  bool // its death may end client connections
	}{
		{"request", 20, false},
		{"upstream", 10, true},
		{"connection", 10, true},
		{"connections", 8, false},
		{"acceptor", 8, false},
		{"listener", 8, false},
		{"nameserver", 8, false},
		{"cluster", 8, false},
		{"stats", 8, false},
	}
	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
		for _, k := range kinds {
			t.Run(k.kind, func(t *testing.T) {
				r := proxytest.Start(t, on, proxytest.Options{Window: 32 << 10})
				r.Broker.Answers(proxytest.Echo)
				base := len(r.Env.Actors("proxy"))
				l := startLoad(r.Port(proxytest.BrokerA), 4)
				for i := range k.kills {
					l.progress(t, 20)
					ids := r.Actors(k.kind)
					if len(ids) == 0 { // all clients are between two connections
						continue
					}
					r.Proxy.Kill(ids[i%len(ids)])
				}
				l.progress(t, 300)
				l.end(t)
				require.NotZero(t, r.Failed(k.kind))
				if !k.cuts {
					require.Zero(t, l.cut.Load(), "connections were cut")
					r.Until("each failure is counted", func() bool { return r.Failed(k.kind) == k.kills })
				}
				require.LessOrEqual(t, l.cut.Load(), int64(r.Failed(k.kind)), "a killed actor ends one connection at most")
				if k.kind != "request" && k.kind != "upstream" {
					require.Zero(t, l.own.Load(), "requests that the killed actors did not hold were answered by the proxy")
				}
				r.Until("all actors of the clients are gone", func() bool { return len(r.Env.Actors("proxy")) == base })
				r.Settle(int(l.dials.Load()))
				r.GaugesAreZero()
				fresh := proxytest.Dial(t, r.Port(proxytest.BrokerA))
				require.Equal(t, "new", string(fresh.Call(&codec.Command{Code: codec.ReqGetMaxOffset, Body: []byte("new")}).Body))
			})
		}
	})
}
