//go:build linux

// Command bench measures the proxy beside a direct connection, HAProxy and nginx as TCP proxies, or Apache's own proxy.
//
//	go run ./bench                                  everything, about 25 minutes; writes bench/RESULTS.md
//	go run ./bench -load                            under load, about 15 minutes; writes bench/RESULTS-LOADED.md
//	go run ./bench -real -scenario real -out ""     one load in front of a real RocketMQ, printed only
//	go run ./bench -apache -rounds 3                beside Apache's proxy, about 25 minutes; writes bench/RESULTS-APACHE.md
//	go run ./bench -before FILE -rounds 11          beside an older binary of ours: what a change costs
//	go run ./bench -quick                           does it work at all, two minutes
//	go run ./bench -scenario '16x16|256x1' -out ""  some scenarios, printed only
//
// It needs Linux, HAProxy and nginx with its module stream (Debian: apt install haproxy nginx libnginx-mod-stream;
// without them: -candidates direct,ours); with -real or -apache Java 17 and Maven (Debian: apt install
// openjdk-17-jre-headless maven), with -apache 8 GB of memory. It fails no build: its exit code tells only whether it
// could measure.
//
// # What is measured
//
// Three processes for each candidate: a generator (package load), which behaves as a client, the candidate (package
// candidate), and a sink (package sink), which is name server and broker in one and answers by copying. Generator and
// sink are epoll loops on one thread each that look at nothing but length, code and opaque (package wire). So what a
// candidate's process spends is its own, and "direct" shows how far the two of them are from being the limit.
//
// A closed load keeps a window of requests in flight on each connection; an open one (scenario rate) sends at a fixed
// rate and counts a request's time from the moment at which it was to be sent. CPU time is the process clock of the
// candidate over the time of measuring, memory its VmRSS and VmHWM, context switches those of its threads. System calls
// are counted apart from that, as counting costs time; where the kernel does not permit it, they are "n/a".
//
// # Scenarios
//
//	1x1 16x1 256x1 16x16   sends (310, JSON header, 1 KiB): connections x requests in flight on each
//	4096x1 20000x1         the same for at least 2 s; fewer connections where the limit on open files is low: a proxy
//	                       needs two for each
//	binary                 sends (10, binary header, 100 bytes), 16x16
//	pop                    16 connections: a pop of 32 x 1 KiB, then its 32 acks at once; each counts as a request
//	pull                   16 connections: answers of 100 KiB, 25 messages
//	features               16x16 with one port for all brokers, then with ten routes as well; and with a limit; ours alone
//	two-links              clients of one port that have sent to two brokers; memory per client
//	rate                   4,000 sends per second on 16 connections
//	mixed                  100 connections whose pulls wait, 20 that send: each send wakes a pull
//	tls-client, -upstream, -both, -256x1   TLS 1.3 with one cipher for all candidates
//	idle5000 idle20000     one send on each connection, then 15 s of silence; memory per client
//	tls-idle               the same with TLS, and the number of goroutines
//	load                   256x16, for the memory
//	big                    16 connections: answers of 16 MiB, for the memory
//	start                  from the start of the process to its first answer
//	hostile-* harmless-*   inputs that could make a byte expensive, and harmless ones of the same size: CPU for each byte
//	real                   16x16 in front of a real broker, with -real
//
// # How to read it
//
// A round measures each candidate once. Where there are few connections, all candidates of a round run at the same time
// and are loaded by turns, in slices of a tenth of the time: the machine is then the same for all of them, even where it
// changes its speed from one moment to the next. Else they come one after another. Figures are medians of the rounds, a
// ratio is the median of the rounds' ratios, with its quartiles. Generator, candidate and sink share the machine, so
// throughput is that of the three together, and only ratios within one run mean anything elsewhere.
//
// Each outcome tells what processes that the bench did not start used of the machine (/proc/stat). A round in which that
// was more than -others percent is not compared, and a row of which fewer than half of the rounds are left has no verdict.
// -anyway compares all the same, and the report says so. With -load a busy process of the bench runs on each core, since
// neighbors are normal.
//
// GOALS.md explains the goals that are missed. Whoever changes what a request costs keeps it true.
//
// -data FILE keeps the measurements: a later run with the same file replaces what it measures again and reports the
// rest with it, so that a long bench can be done in pieces. -binary FILE measures a binary that exists, -env
// GODEBUG=gctrace=1,GOGC=200 sets variables for it.
//
// # Beside Apache's proxy
//
// With -apache a real RocketMQ 5.5.0, name server and broker, stands behind the candidates, as Apache's proxy needs one.
// Its jars come from Maven Central once, into ROCKETMQ_PROXY_CACHE (default ~/.cache/rocketmq-proxy). The broker is
// slower than any proxy, so CPU and memory are the figures, throughput is not. Scenarios are 1x1, 256x1, 16x16, pull, load
// and start: pops are pulls to the remoting port of Apache's proxy. Those of gRPC clients are
//
//	grpc-send              16 clients with 4 sends in flight, 1 KiB
//	grpc-receive           16 clients: a send of 32 x 1 KiB, a receive, an acknowledgment; each counts as a call
//	grpc-idle              1,000 clients that have told their settings and wait for messages; memory per client
//
// A JVM compiles what has run often, so Apache's proxy has 40 s of load with many in flight before it is measured; load is
// measured for 40 s, of ours as well.
package main
