//go:build linux

// Command bench measures the proxy beside a direct connection and HAProxy in TCP mode, or Apache's own proxy.
//
//	go run ./bench                                  everything, about 15 minutes; writes bench/RESULTS.md
//	go run ./bench -apache -rounds 3                beside Apache's proxy, about 25 minutes; writes bench/RESULTS-APACHE.md
//	go run ./bench -quick                           does it work at all, a minute
//	go run ./bench -scenario '16x16|256x1' -out ""  some scenarios, printed only
//
// It needs Linux and haproxy (Debian: apt install haproxy; without it: -candidates direct,ours), with -apache Java 17 and
// Maven instead (Debian: apt install openjdk-17-jre-headless maven) and 8 GB of memory. It fails no build: its exit code
// tells only whether it could measure.
//
// # What is measured
//
// Three processes: a generator, which behaves as a client (it asks for the route and dials what the answer says), the
// candidate, and a sink, which is name server and broker in one and answers by copying. Generator and sink are epoll
// loops on one thread each that look at nothing but length, code and opaque. So whatever a candidate's process spends
// is its own, and "direct" shows how far the two of them are from being the limit.
//
// A closed load keeps a window of requests in flight on each connection; an open one (scenario rate) sends at a fixed
// rate and counts a request's time from the moment at which it was to be sent. CPU time is the process clock of the
// candidate over the time of measuring, memory its VmRSS and VmHWM.
//
// # Scenarios
//
//	1x1 16x1 256x1 4096x1 16x16   sends (310, JSON header, 1 KiB): connections x requests in flight on each
//	binary                        sends (10, binary header, 100 bytes), 16x16
//	pop                           16 connections: a pop of 32 x 1 KiB, then its 32 acks at once; each counts as a request
//	pull                          16 connections: answers of 100 KiB
//	rate                          4,000 sends per second on 16 connections
//	idle5000 idle20000            one send on each connection, then 15 s of silence; memory per client. Fewer where the
//	                              limit on open files is low: a proxy needs two for each client
//	load                          256x16, for the memory
//	big                           16 connections: answers of 16 MiB, for the memory
//	start                         from the start of the process to its first answer
//
// # Beside Apache's proxy
//
// With -apache a real RocketMQ 5.5.0, name server and broker, stands behind the candidates, as Apache's proxy needs one.
// Its jars come from Maven Central once, into ROCKETMQ_PROXY_CACHE (default ~/.cache/rocketmq-proxy). The broker is
// slower than any proxy, so CPU and memory are the figures, throughput is not. Scenarios are 1x1, 256x1, 16x16, pull, load
// and start: pops are pulls to the remoting port of Apache's proxy. A JVM compiles what has run often, so Apache's proxy has 40 s
// of load with many in flight before it is measured; load is measured for 40 s, of ours as well.
//
// # How to read it
//
// Candidates take turns, round by round, each in a fresh process. Figures are medians of the rounds, a ratio is the
// median of the rounds' ratios. Generator, candidate and sink share the machine, so throughput is that of the three
// together, and only ratios within one run mean anything elsewhere.
//
// -data FILE keeps the measurements: a later run with the same file replaces what it measures anew and reports the
// rest with it, so that a long bench can be done in pieces. -binary FILE measures a binary that exists, -env
// GODEBUG=gctrace=1,GOGC=200 sets variables for it. -before FILE has an older binary of ours beside the present one, to
// see what a change costs.
package main
