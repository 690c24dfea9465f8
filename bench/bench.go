//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
)

// bench is one run of the program: name server and broker that live throughout, candidates that come and go.
type bench struct {
	dir        string // for configurations and the binary
	binary     string
	before     string   // another binary of ours; "": none
	env        []string // of our process, added to ours
	front      string   // the name server address of candidates
	second     string   // one more address of a candidate's: HAProxy's for the broker, of Apache's proxy for gRPC
	nameServer string   // what stands behind the candidates
	sink       sinkAddresses
	jars       string // the class path of RocketMQ's programs
	tries      int    // of a measurement
	stops      []func()
	log        io.Writer
}

func newBench(log io.Writer, binary, before string, s study) (*bench, error) {
	dir, err := os.MkdirTemp("", "rocketmq-proxy-bench")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, binary: binary, before: before, tries: s.tries, log: log}
	if err := b.prepare(s); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) prepare(s study) (err error) {
	first, err := freeport.Range(2)
	if err != nil {
		return err
	}
	b.front, b.second = freeport.Loopback(first), freeport.Loopback(first+1)
	if b.binary == "" {
		if b.binary, err = build(b.dir); err != nil {
			return err
		}
	}
	return s.behind(b)
}

func (b *bench) close() {
	for _, stop := range slices.Backward(b.stops) {
		stop()
	}
	os.RemoveAll(b.dir) //nolint:errcheck // a directory of ours below the system's own for such things
}

// self runs this program in another role, so that a candidate's CPU time is only its own.
func self(role string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append([]string{role}, args...)...)
	cmd.Stderr = os.Stderr
	return cmd
}

func (b *bench) startSink() error {
	cmd := self(roleSink, b.second)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	b.stops = append(b.stops, func() {
		stdin.Close()
		cmd.Wait() //nolint:errcheck // it has nothing more to say
	})
	err = json.NewDecoder(stdout).Decode(&b.sink)
	b.nameServer = b.sink.NameServer
	return err
}

// run measures the scenarios one after another; within one, the candidates take turns round by round.
func (b *bench) run(list []scenario, who []candidate, rounds int, r results) error {
	for _, s := range list {
		delete(r, s.name)
		if err := b.runScenario(s, who, rounds, r); err != nil {
			return fmt.Errorf("scenario %s: %w", s.name, err)
		}
	}
	return nil
}

func (b *bench) runScenario(s scenario, who []candidate, rounds int, r results) error {
	for round := range rounds {
		for i := range who {
			c := who[(i+round)%len(who)]
			if c.command == nil && s.process {
				continue
			}
			o, err := b.try(s, c)
			if err != nil {
				return fmt.Errorf("%s, round %d: %w", c.name, round+1, err)
			}
			r.add(s.name, c.name, o)
			fmt.Fprintf(b.log, "%-10s round %d  %-8s %s\n", s.name, round+1, c.name, o)
		}
	}
	return nil
}

// try measures until it succeeds, or has failed too often.
func (b *bench) try(s scenario, c candidate) (o outcome, err error) {
	for i := range b.tries {
		if i > 0 {
			fmt.Fprintf(b.log, "%-10s once more, as %s failed: %v\n", s.name, c.name, err)
		}
		if o, err = b.measure(s, c); err == nil {
			break
		}
	}
	return o, err
}

// measure starts a candidate and has a generator process do what the scenario says.
func (b *bench) measure(s scenario, c candidate) (o outcome, err error) {
	p, err := b.start(c)
	if err != nil {
		return o, err
	}
	defer p.stop()
	if s.startOnly {
		return outcome{Start: p.started}, nil
	}
	if s.heat != nil && c.jit {
		if _, err := p.load(*s.heat); err != nil {
			return o, fmt.Errorf("before measuring: %w", err)
		}
	}
	return p.load(s.spec)
}

// load has a generator process put a load on the candidate.
func (r *running) load(s spec) (o outcome, err error) {
	s.NameServer, s.PID = r.nameServer, r.pid
	task, err := json.Marshal(s)
	if err != nil {
		return o, err
	}
	out, err := self(roleLoad, string(task)).Output()
	if err != nil {
		return o, errors.New("the load generator failed; it says why above")
	}
	return o, json.Unmarshal(out, &o)
}
