//go:build linux

package load

import (
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/bench/process"
)

// Spec is the task of one load generator process. It travels as JSON.
type Spec struct {
	NameServer  string
	Broker      string // what to dial; empty: what the route says
	GRPC        string // what gRPC clients dial; empty: there are none
	TLS         bool   // on the way to the candidate
	Workload    Workload
	Answer      int // bytes of a pull's answer
	Connections int
	Pollers     int     // of Mixed: the connections that pull and wait
	Window      int     // requests in flight on each connection
	Rate        float64 // of all connections together, per second; 0: as fast as answers come
	Idle        bool    // one request on each connection, then silence
	Settle      time.Duration
	Warmup      time.Duration
	Measure     time.Duration
	Count       time.Duration // how long system calls are counted after that: counting costs the candidate time
	Hostile     string        // an input of Inputs; empty: the loads above
	Harmless    bool          // what stands beside that input, instead of it
	Metrics     string        // of our proxy, for Idle: where it tells how many goroutines it has
	Candidate   process.Group // its processes; empty: none
	Own         process.Group // all other processes of the bench, for the neighbors' share
}

// Outcome is what the generator measured. CPU, memory, switches and system calls are the candidate's.
type Outcome struct {
	Requests       int
	Seconds        float64
	CPU            time.Duration
	P50, P99, P999 time.Duration
	Switches       int     // of contexts, within Seconds
	Syscalls       float64 // for each request; 0: they cannot be counted here
	Others         float64 // what other processes used of the machine meanwhile: 1 is all CPUs
	Bytes          int64   // of a hostile input: what was written within Seconds
	Closed         int     // connections that the candidate ended meanwhile, of a hostile input
	Before         int64   // resident bytes before the load
	After          int64   // resident bytes after it; of Idle: with the connections open
	Peak           int64   // the most there ever was
	Clients        int
	Goroutines     int           // of our proxy with Idle
	Start          time.Duration // of the candidate, to its first answer
}

// PerSecond is the throughput.
func (o Outcome) PerSecond() float64 { return float64(o.Requests) / o.Seconds }

// CPUEach is the CPU time of a request, in microseconds.
func (o Outcome) CPUEach() float64 { return float64(o.CPU) / 1e3 / float64(o.Requests) }

// SwitchesEach is the number of context switches of a request.
func (o Outcome) SwitchesEach() float64 { return float64(o.Switches) / float64(o.Requests) }

// CPUPerByte is the CPU time of a byte, in nanoseconds.
func (o Outcome) CPUPerByte() float64 { return float64(o.CPU) / float64(o.Bytes) }
