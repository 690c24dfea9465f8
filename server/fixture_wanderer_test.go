package server

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// wanderer is a client that works until it is told to stop, and connects again whenever it is sent away or cut off.
type wanderer struct {
	version       int32
	idle          bool // until it is cut off for the first time
	asked         atomic.Int64
	lost, refused atomic.Int64 // requests without an answer, connections that failed
	moves         atomic.Int64
}

func (w *wanderer) run(address string, stop <-chan struct{}) {
	var nc net.Conn
	var r *bufio.Reader
	var opaque int32
	drop := func() { nc.Close(); nc = nil; w.moves.Add(1) }
	for {
		select {
		case <-stop:
			if nc != nil {
				nc.Close()
			}
			return
		default:
		}
		if nc == nil {
			var err error
			if nc, err = net.Dial("tcp", address); err != nil {
				w.refused.Add(1)
				continue
			}
			r = bufio.NewReader(nc)
		}
		opaque++
		cmd := &codec.Command{Code: codec.ReqGetMaxOffset, Language: codec.Java, Version: w.version, Opaque: opaque, Ext: maxOffset}
		nc.Write(cmd.Append(nil, codec.JSON))
		answer, _, err := codec.ReadCommand(r, codec.Limits{})
		switch {
		case err != nil:
			w.lost.Add(1)
			drop()
			continue
		case answer.Code == codec.ResGoAway:
			drop()
			continue
		}
		w.asked.Add(1)
		if w.idle {
			r.ReadByte() // the end
			drop()
			w.idle = false
		}
	}
}

func sum(all []*wanderer, of func(*wanderer) int64) (n int64) {
	for _, w := range all {
		n += of(w)
	}
	return n
}

// wander starts clients; the returned function stops them.
func wander(t *testing.T, address string, n int, version int32, idle bool) ([]*wanderer, func()) {
	stop := make(chan struct{})
	var group sync.WaitGroup
	all := make([]*wanderer, n)
	for i := range all {
		all[i] = &wanderer{version: version, idle: idle}
		group.Go(func() { all[i].run(address, stop) })
	}
	halt := sync.OnceFunc(func() { close(stop); group.Wait() })
	t.Cleanup(halt)
	require.Eventually(t, func() bool {
		for _, w := range all {
			if w.asked.Load() == 0 {
				return false
			}
		}
		return true
	}, patience, time.Millisecond)
	return all, halt
}
