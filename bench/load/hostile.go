//go:build linux

package load

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// flood is what writes an input on several connections, as fast as the candidate takes it.
type flood struct {
	stream
	to      string
	written atomic.Int64
	ended   atomic.Int64 // connections that the candidate has closed
	stop    atomic.Bool
}

func (s *Spec) newFlood(to netip.AddrPort) (*flood, error) {
	inputs := Inputs()
	i := slices.IndexFunc(inputs, func(in Input) bool { return in.Name == s.Hostile })
	if i < 0 {
		return nil, fmt.Errorf("there is no hostile input %q", s.Hostile)
	}
	f := &flood{stream: inputs[i].hostile, to: to.String()}
	if s.Harmless {
		f.stream = inputs[i].harmless
	}
	return f, nil
}

// slice measures what the bytes cost.
func (f *flood) slice(n *session) error {
	var writers sync.WaitGroup
	f.stop.Store(false)
	for range n.spec.Connections {
		writers.Go(f.run)
	}
	defer writers.Wait()
	defer f.stop.Store(true)
	time.Sleep(n.spec.Warmup)
	w, err := n.openWindow()
	if err != nil {
		return err
	}
	bytes, ended := f.written.Load(), f.ended.Load()
	if err := f.untilTaken(n, w); err != nil {
		return err
	}
	n.outcome.Bytes += f.written.Load() - bytes
	n.outcome.Closed += int(f.ended.Load() - ended)
	return w.close()
}

// untilTaken waits for as long as it is to be measured, and longer if the candidate has done nothing by then.
func (f *flood) untilTaken(n *session, w *window) error {
	before := f.written.Load()
	for range 20 {
		time.Sleep(n.spec.Measure)
		cpu, err := n.spec.Candidate.CPU()
		if err != nil {
			return err
		}
		if f.written.Load() > before && (cpu > w.cpu || len(n.spec.Candidate) == 0) {
			return nil
		}
	}
	return errors.New("the candidate has taken nothing within 20 times the time of measuring: give more -seconds")
}

// run goes from one connection to the next.
func (f *flood) run() {
	for !f.stop.Load() {
		nc, err := net.Dial("tcp", f.to)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		go io.Copy(io.Discard, nc) //nolint:errcheck // until its end
		if f.write(nc) != nil {
			f.ended.Add(1)
		}
		nc.Close()
	}
}

// write sends the frames until the connection ends, or once.
func (f *flood) write(nc net.Conn) error {
	for !f.stop.Load() {
		for rest := f.frames; len(rest) > 0; {
			n := len(rest)
			if f.piece > 0 {
				n = min(n, f.piece)
			}
			wrote, err := nc.Write(rest[:n])
			f.written.Add(int64(wrote))
			if err != nil {
				return err
			}
			rest = rest[n:]
		}
		if f.once {
			return nil
		}
	}
	return nil
}
