//go:build linux

package main

import "time"

// scenario is one kind of load. Its name is what -scenario matches.
type scenario struct {
	name      string
	spec      spec
	process   bool  // about a process: a direct connection has none
	startOnly bool  // nothing but the start is measured
	heat      *spec // what a candidate with a JIT does before it is measured; nil: nothing
}

// A TCP proxy of one process uses two files for each client.
const filesPerClient = 2

// fixedRate is low enough for every candidate on two cores, so that what is measured is the way, not the queue.
const fixedRate = 4000

// scenarios are what there is to measure. files is the limit on open files: idle clients are fewer where it is low.
func scenarios(o options, files int) []scenario {
	idle := func(n int) spec {
		n = min(n, (files-1000)/filesPerClient)
		return spec{Workload: sendJSON, Connections: n, Window: 1, Idle: true, Settle: o.settle}
	}
	pull100K := o.busy(pull, 16, 1)
	pull100K.Answer = 100 << 10
	pull16M := o.busy(pull, 16, 1)
	pull16M.Answer = 16<<20 - 1<<10 // the whole frame is at most 16 MiB
	pull16M.Measure = max(o.measure, 2*time.Second)
	rate := o.busy(sendJSON, 16, 64)
	rate.Rate = fixedRate
	return []scenario{
		{name: "1x1", spec: o.busy(sendJSON, 1, 1)},
		{name: "256x1", spec: o.busy(sendJSON, 256, 1)},
		{name: "16x16", spec: o.busy(sendJSON, 16, 16)},
		{name: "binary", spec: o.busy(sendBinary, 16, 16)},
		{name: "pop", spec: o.busy(popAndAck, 16, 1)},
		{name: "pull", spec: pull100K},
		{name: "rate", spec: rate},
		{name: "16x1", spec: o.busy(sendJSON, 16, 1)},
		{name: "4096x1", spec: o.busy(sendJSON, 4096, 1)},
		{name: "idle5000", spec: idle(5000), process: true},
		{name: "idle20000", spec: idle(20_000), process: true},
		{name: "load", spec: o.busy(sendJSON, 256, 16), process: true},
		{name: "big", spec: pull16M, process: true},
		{name: "start", process: true, startOnly: true},
	}
}

func (o options) busy(w workload, connections, window int) spec {
	return spec{Workload: w, Connections: connections, Window: window, Warmup: o.warmup, Measure: o.measure}
}
