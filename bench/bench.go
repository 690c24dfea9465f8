//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/candidate"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/rocketmq"
	"github.com/rocketmq-proxy/rocketmq-proxy/bench/sink"
	"github.com/rocketmq-proxy/rocketmq-proxy/internal/freeport"
)

// bench is one run of the program: what stands behind the candidates lives throughout, candidates come and go.
type bench struct {
	o       options
	dir     string // for configurations and the binary
	tries   int    // of a measurement
	site    candidate.Site
	ports   map[string]int // the first of each candidate
	sink    sink.Addresses
	cluster *rocketmq.Cluster // nil until a scenario needs it
	own     process.Group     // all processes of the bench but generator and candidate
	ring    bool              // ours knows how to do without io_uring
	stops   []func()
	log     io.Writer
}

func newBench(log io.Writer, o options) (*bench, error) {
	dir, err := os.MkdirTemp("", "rocketmq-proxy-bench")
	if err != nil {
		return nil, err
	}
	b := &bench{o: o, dir: dir, tries: o.study().tries, own: process.Group{os.Getpid()}, ports: map[string]int{}, log: log}
	if err := b.prepare(); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) prepare() (err error) {
	b.site.Binary, b.site.Before = b.o.binary, b.o.before
	if b.o.env != "" {
		b.site.Env = strings.Split(b.o.env, ",")
	}
	if b.o.binary == "" {
		if b.site.Binary, err = candidate.Build(b.dir); err != nil {
			return err
		}
	}
	b.ring = candidate.KnowsRing(b.site.Binary)
	b.site.Certificate = filepath.Join(b.dir, "pair.pem")
	if err := writePair(b.site.Certificate); err != nil {
		return err
	}
	if err := b.startSink(); err != nil || !b.o.load {
		return err
	}
	return b.spin(runtime.NumCPU())
}

// addresses are a candidate's, as several of them may run at a time.
func (b *bench) addresses(c candidate.Candidate, site *candidate.Site) error {
	first, known := b.ports[c.Name]
	if !known {
		var err error
		if first, err = freeport.Range(3); err != nil {
			return err
		}
		b.ports[c.Name] = first
	}
	site.Front, site.Second, site.Metrics = freeport.Loopback(first), freeport.Loopback(first+1), freeport.Loopback(first+2)
	return nil
}

func (b *bench) close() {
	for _, stop := range slices.Backward(b.stops) {
		stop()
	}
	os.RemoveAll(b.dir) //nolint:errcheck // a directory of ours below the system's own for such things
}

// self runs this program in another role, so that a candidate's CPU time is only its own.
func self(role, task string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", role, task)
	cmd.Stderr = os.Stderr
	return cmd
}

func (b *bench) startSink() error {
	task, err := json.Marshal(sink.Task{Certificate: b.site.Certificate})
	if err != nil {
		return err
	}
	cmd := self(roleSink, string(task))
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
	b.own = append(b.own, cmd.Process.Pid)
	b.stops = append(b.stops, func() {
		stdin.Close()
		cmd.Wait() //nolint:errcheck // it has nothing more to say
	})
	return json.NewDecoder(stdout).Decode(&b.sink)
}

// spin has n processes that want all they can get of a core.
func (b *bench) spin(n int) error {
	for range n {
		r, err := process.Launch("a busy process", self(roleSpin, ""), syscall.SIGKILL)
		if err != nil {
			return err
		}
		b.own = append(b.own, r.PID)
		b.stops = append(b.stops, r.Stop)
	}
	return nil
}

// siteOf is where a candidate stands in a scenario: before a sink with or without TLS, or a real RocketMQ.
func (b *bench) siteOf(s scenario, c candidate.Candidate) (candidate.Site, error) {
	site := b.site
	if err := b.addresses(c, &site); err != nil {
		return site, err
	}
	site.ClientTLS, site.UpstreamTLS = s.spec.TLS, s.upstream
	site.Proxied = s.proxied()
	if !s.real {
		ports := b.sink.Plain
		if s.upstream {
			ports = b.sink.Secured
		}
		site.NameServer, site.Broker = ports.NameServer, ports.Broker
		return site, nil
	}
	if b.cluster == nil {
		cluster, err := rocketmq.Start(b.dir)
		if err != nil {
			return site, fmt.Errorf("cannot start RocketMQ: %w", err)
		}
		b.cluster = cluster
		b.own = append(b.own, cluster.Processes()...)
		b.stops = append(b.stops, cluster.Stop)
	}
	site.NameServer, site.Broker, site.Jars = b.cluster.NameServer, b.cluster.Broker, b.cluster.Jars
	return site, nil
}
