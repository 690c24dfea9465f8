//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// TestMain lets the test binary be sink and generator, as the program itself is.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && (os.Args[1] == roleSink || os.Args[1] == roleLoad) {
		if err := run(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func startSink(t *testing.T, advertise string) sinkAddresses {
	b := &bench{second: advertise}
	t.Cleanup(b.close)
	require.NoError(t, b.startSink())
	return b.sink
}

// brief is a load that is over soon; how much it measures is left to the machine.
func brief(w workload, connections, window int) spec {
	return spec{Workload: w, Connections: connections, Window: window, Warmup: time.Millisecond, Measure: 500 * time.Millisecond, PID: os.Getpid()}
}

func TestEveryWorkload(t *testing.T) {
	at := startSink(t, "127.0.0.1:1")
	pull16M := brief(pull, 2, 1)
	pull16M.Answer, pull16M.Measure = 16<<20-1<<10, time.Second
	open := brief(sendJSON, 4, 64)
	open.Rate = 1000
	for name, s := range map[string]spec{
		"send": brief(sendJSON, 4, 4), "binary": brief(sendBinary, 1, 16), "pop": brief(popAndAck, 4, 1),
		"pull": brief(pull, 2, 1), "large pull": pull16M, "open": open,
	} {
		t.Run(name, func(t *testing.T) {
			s.NameServer = at.NameServer
			o, err := s.run()
			require.NoError(t, err)
			require.Positive(t, o.Requests)
			require.Positive(t, o.P50)
			require.GreaterOrEqual(t, o.P99, o.P50)
			require.Positive(t, o.CPU)
			require.GreaterOrEqual(t, o.Peak, o.After)
		})
	}
}

func TestIdle(t *testing.T) {
	s := spec{NameServer: startSink(t, "127.0.0.1:1").NameServer, Workload: sendJSON, Connections: 300, Window: 1, Idle: true, PID: os.Getpid()}
	o, err := s.run()
	require.NoError(t, err)
	require.Equal(t, 300, o.Clients)
	require.Positive(t, o.After)
}

// However fast the answers come, no more is sent than the rate says. (How much less depends on the machine.)
func TestAnOpenLoadKeepsItsRate(t *testing.T) {
	s := brief(sendJSON, 4, 1000)
	s.NameServer, s.Rate, s.Measure = startSink(t, "127.0.0.1:1").NameServer, 500, 200*time.Millisecond
	begin := time.Now()
	o, err := s.run()
	require.NoError(t, err)
	require.LessOrEqual(t, float64(o.Requests), 1+s.Rate*time.Since(begin).Seconds())
}

func TestTheSecondNameServerAdvertises(t *testing.T) {
	at := startSink(t, "127.0.0.1:4711")
	to, err := askRoute(at.Advertised)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:4711", to.String())
	to, err = askRoute(at.NameServer)
	require.NoError(t, err)
	require.Equal(t, at.Broker, to.String())
}

// What is not an ordinary answer ends the measurement: it would be a fast one of nothing.
func TestAnErrorIsNotMeasured(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	go refuse(ln)
	at := startSink(t, ln.Addr().String())
	s := brief(sendJSON, 1, 1)
	s.NameServer = at.Advertised
	_, err = s.run()
	require.ErrorIs(t, err, errRefused)
}

func refuse(ln net.Listener) {
	for {
		nc, err := ln.Accept()
		if err != nil {
			return
		}
		c, enc, err := codec.ReadCommand(nc, codec.Limits{})
		if err == nil {
			nc.Write(c.Answer(codec.ResServiceNotAvailable, "no").Append(nil, enc)) //nolint:errcheck // its end is what is tested
		}
		io.Copy(io.Discard, nc) //nolint:errcheck // until the client leaves
		nc.Close()
	}
}

// CPU time is that of the process that is asked about, and moves with work.
func TestCPUTime(t *testing.T) {
	before, err := cpuTime(os.Getpid())
	require.NoError(t, err)
	for end := before + 5*time.Millisecond; before < end; {
		before, err = cpuTime(os.Getpid())
		require.NoError(t, err)
	}
	_, err = cpuTime(1<<22 + 1) // beyond the largest there can be
	require.Error(t, err)
}

func TestSpecTravels(t *testing.T) {
	s := brief(pull, 3, 4)
	b, err := json.Marshal(s)
	require.NoError(t, err)
	var back spec
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, s, back)
}
