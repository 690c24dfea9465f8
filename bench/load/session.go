//go:build linux

package load

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// What a generator process is told on its standard input, a line each; it answers each with a line.
const (
	sliceLine = "slice" // load the candidate for Warmup and Measure, and let it rest again
	countLine = "count" // the same for Count, with system calls counted instead of CPU time
	endLine   = "end"   // answer with the Outcome
	doneLine  = "done"  // the answer to what has been done; also when the connections are open
)

// session is one load of one candidate, in slices between which the connections stay open and nothing is sent.
type session struct {
	spec    *Spec
	g       *generator // nil: a hostile input, or gRPC
	flood   *flood
	calls   *calls // of gRPC clients
	outcome Outcome
	others  float64 // seconds of CPU
}

// Main is the load generator process: a Spec as its argument, lines on its standard input and output.
func Main(task string, stdin io.Reader, stdout io.Writer) error {
	var spec Spec
	if err := json.Unmarshal([]byte(task), &spec); err != nil {
		return err
	}
	s, err := spec.open()
	if err != nil {
		return err
	}
	fmt.Fprintln(stdout, doneLine)
	for lines := bufio.NewScanner(stdin); lines.Scan(); {
		switch lines.Text() {
		case sliceLine:
			err = s.slice()
		case countLine:
			err = s.count()
		case endLine:
			return s.end(stdout)
		default:
			err = fmt.Errorf("a generator does not know %q", lines.Text())
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, doneLine)
	}
	return nil // the bench has ended
}

// open connects, and with Idle does all there is to do.
func (s *Spec) open() (*session, error) {
	n := &session{spec: s, outcome: Outcome{Clients: s.Connections}}
	var err error
	if n.outcome.Before, err = s.Candidate.Resident(); err != nil {
		return nil, err
	}
	if s.GRPC != "" {
		if n.calls, err = s.newCalls(); err == nil && s.Idle {
			n.calls.idle()
		}
		return n, err
	}
	to, err := s.target()
	if err != nil {
		return nil, err
	}
	if s.Hostile != "" {
		n.flood, err = s.newFlood(to)
		return n, err
	}
	if n.g, err = s.connect(to); err == nil && s.Idle {
		err = n.g.idle(s)
	}
	return n, err
}

// slice measures once.
func (n *session) slice() error {
	switch {
	case n.flood != nil:
		return n.flood.slice(n)
	case n.spec.Idle:
		return nil
	case n.calls != nil:
		return n.calls.slice(n)
	}
	return n.g.slice(n)
}

// count counts system calls once.
func (n *session) count() error {
	if n.g == nil || n.spec.Count == 0 || len(n.spec.Candidate) == 0 {
		return nil
	}
	return n.g.countSyscalls(n)
}

func (n *session) end(stdout io.Writer) (err error) {
	o := &n.outcome
	if o.Seconds > 0 {
		o.Others = n.others / o.Seconds
	}
	if took, timed := n.took(); timed {
		if o.Requests == 0 {
			return errors.New("nothing was answered within 20 times the time of measuring: give more -seconds")
		}
		o.percentiles(took)
	}
	if o.After, err = n.spec.Candidate.Resident(); err != nil {
		return err
	}
	if o.Peak, err = n.spec.Candidate.PeakResident(); err != nil {
		return err
	}
	if n.spec.Metrics != "" {
		if o.Goroutines, err = goroutines(n.spec.Metrics); err != nil {
			return err
		}
	}
	return json.NewEncoder(stdout).Encode(o)
}

// took are the times of all answers; timed is false where there are none to be had.
func (n *session) took() (all []time.Duration, timed bool) {
	switch {
	case n.spec.Idle:
		return nil, false
	case n.calls != nil:
		return n.calls.took, true
	case n.g != nil:
		return n.g.took, true
	}
	return nil, false
}
