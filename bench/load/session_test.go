//go:build linux

package load

import (
	"encoding/json"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = i + 1
	}
	require.Equal(t, 50, percentile(hundred, 500))
	require.Equal(t, 99, percentile(hundred, 990))
	require.Equal(t, 100, percentile(hundred, 999))
	require.Equal(t, 7, percentile([]int{7}, 500))
	require.Equal(t, 8, percentile([]int{7, 8}, 990))
}

// serve answers every request with a code, after a while.
func serve(t *testing.T, code int32, after time.Duration) (address string) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go answer(nc, code, after)
		}
	}()
	return ln.Addr().String()
}

func answer(nc net.Conn, code int32, after time.Duration) {
	defer nc.Close()
	for {
		c, enc, err := codec.ReadCommand(nc, codec.Limits{})
		if err != nil {
			return
		}
		time.Sleep(after)
		if _, err := nc.Write(c.Answer(code, "").Append(nil, enc)); err != nil {
			return
		}
	}
}

func run(t *testing.T, s Spec, lines string) (answers []string, err error) {
	t.Helper()
	task, err := json.Marshal(s)
	require.NoError(t, err)
	var stdout strings.Builder
	err = Main(string(task), strings.NewReader(lines), &stdout)
	return strings.Split(strings.TrimSpace(stdout.String()), "\n"), err
}

// What slices measure adds up, and between them nothing is in flight.
func TestSlicesAddUp(t *testing.T) {
	s := Spec{Broker: serve(t, codec.ResSuccess, 0), Workload: Send, Connections: 2, Window: 3, Measure: 50 * time.Millisecond}
	outcome := func(lines string) (o Outcome) {
		answers, err := run(t, s, lines)
		require.NoError(t, err)
		require.Equal(t, strings.Count(lines, "slice"), strings.Count(strings.Join(answers, ""), "done")-1, "one more for the connections")
		require.NoError(t, json.Unmarshal([]byte(answers[len(answers)-1]), &o))
		return o
	}
	require.GreaterOrEqual(t, outcome("slice\nend\n").Seconds, 0.05)
	three := outcome("slice\nslice\nslice\nend\n")
	require.GreaterOrEqual(t, three.Seconds, 0.15)
	require.Positive(t, three.Requests)
	require.Positive(t, three.P999)
}

// What is not an ordinary answer ends the measurement: it would be a fast one of nothing.
func TestAnErrorIsNotMeasured(t *testing.T) {
	s := Spec{Broker: serve(t, codec.ResServiceNotAvailable, 0), Workload: Send, Connections: 1, Window: 1, Measure: 10 * time.Second}
	_, err := run(t, s, "slice\nend\n")
	require.ErrorIs(t, err, errRefused)
}

func TestNothingAnsweredIsAnError(t *testing.T) {
	s := Spec{Broker: serve(t, codec.ResSuccess, time.Second), Workload: Send, Connections: 1, Window: 1, Measure: time.Millisecond}
	_, err := run(t, s, "slice\nend\n")
	require.ErrorContains(t, err, "nothing was answered")
}

// However fast the answers come, no more is sent than the rate says. (How much less depends on the machine.)
func TestAnOpenLoadKeepsItsRate(t *testing.T) {
	s := Spec{
		Broker: serve(t, codec.ResSuccess, 0), Workload: Send, Connections: 4, Window: 1000, Rate: 500,
		Measure: 200 * time.Millisecond,
	}
	begin := time.Now()
	answers, err := run(t, s, "slice\nend\n")
	require.NoError(t, err)
	var o Outcome
	require.NoError(t, json.Unmarshal([]byte(answers[len(answers)-1]), &o))
	require.LessOrEqual(t, float64(o.Requests), 1+s.Rate*time.Since(begin).Seconds())
}

func TestAGeneratorKnowsItsLines(t *testing.T) {
	s := Spec{Broker: serve(t, codec.ResSuccess, 0), Workload: Send, Connections: 1, Window: 1}
	_, err := run(t, s, "dance\n")
	require.ErrorContains(t, err, `"dance"`)
	_, err = run(t, s, "")
	require.NoError(t, err, "the bench has ended")
	require.Error(t, Main("no spec", strings.NewReader(""), io.Discard))
}

func TestGoroutinesOf(t *testing.T) {
	n, err := goroutinesOf(strings.NewReader("# TYPE go_goroutines gauge\ngo_goroutines 42\n"))
	require.NoError(t, err)
	require.Equal(t, 42, n)
	_, err = goroutinesOf(strings.NewReader("go_gc 1\n"))
	require.ErrorContains(t, err, "go_goroutines")
}

// A pair of inputs costs the reader about the same number of bytes, and each frame is one.
func TestInputsComeInPairs(t *testing.T) {
	for _, in := range Inputs() {
		require.NotEmpty(t, in.What)
		require.Equal(t, in.hostile.piece, in.harmless.piece, in.Name)
		require.InEpsilon(t, len(in.hostile.frames), len(in.harmless.frames), 0.5, in.Name)
		if in.Proxied {
			continue
		}
		for _, s := range []stream{in.hostile, in.harmless} {
			for r := strings.NewReader(string(s.frames)); r.Len() > 0; {
				_, _, err := codec.ReadCommand(r, codec.Limits{})
				require.NoError(t, err, in.Name)
			}
		}
	}
}
