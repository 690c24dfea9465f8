// Package integration tells stories: real clients, over real TCP, through the real program.
//
// A story is what a user does with RocketMQ, from a send of 3 MiB to a member that leaves its group, and it does not
// know what it talks to. That is a [Target]: something that clients take for a name server and its brokers. There are
//
//	embedded       `rocketmq-proxy dev`, with its own broker
//	proxy-5.5.0    `rocketmq-proxy serve` in front of a RocketMQ 5.5.0 of two brokers
//	proxy-4.9.7    the same in front of a 4.9.7 of one broker
//	direct-5.5.0   that RocketMQ 5.5.0 without a proxy: the control
//	direct-4.9.7   that 4.9.7
//
// The stories are told by rocketmq-client-go v2.1.2 (goclient_*.go), by the Java clients 5.5.0 and 4.9.4, of which the
// latter puts no broker name into its requests (java/src), and by mqadmin of both lines, whose output through the
// proxy is compared with what it prints direct.
//
// # Running
//
//	go test ./integration/                      Go client, embedded broker; needs nothing but Go, takes a minute
//	ROCKETMQ_REAL=1 go test ./integration/      everything; needs Java 17, mvn, and Debian's victoria-metrics
//	ROCKETMQ_DIRECT=1 go test ./integration/    the control: the same stories without the proxy
//
// A story that fails in the control as well says nothing about the proxy. With ROCKETMQ_REAL=1 nothing is skipped:
// what is missing on the machine is a failure. Jars come from Maven Central once, into ROCKETMQ_PROXY_CACHE (default
// ~/.cache/rocketmq-proxy), and the compiled Java stories stay there, too. After a failure the run prints where its
// logs are: of the brokers, of the proxies, of the Java programs, of the Go client.
//
// One story alone: go test ./integration/ -run 'TestGoClient/embedded/Retry'. Java stories of one client and target
// run in one JVM, so -run picks them by that only: -run 'TestJavaClient494/proxy-4.9.7'.
//
// # Adding a story
//
// For the Go client: write func goWhatHappens(t, target) in the file goclient_*_test.go it belongs to, and put it into
// goStories. For the Java clients: write it in the class of java/src it belongs to, add it there in addTo, and put
// its name into javaStories; what compiles against 5.5.0 only belongs into java/src-5.5.0. Prove it with
// ROCKETMQ_DIRECT=1 first. The rules:
//
//   - Topics, groups and client ids are the story's own (unique, Target.Topic, Stage.unique): all stories run at the
//     same time against the same brokers.
//   - Producers retry nothing, unless the story is about that: a retry hides the message that got lost.
//   - Bodies are compared byte by byte as sets with counts: what came, what is missing, what came twice.
//   - Nothing depends on a duration being short. Wait for a condition (await, Stage.await), never for time to pass.
//     That something takes at least so long (a delay) may be asserted.
//   - Nothing that changes a broker for others: stories that kill brokers start a cluster of their own (StartCluster).
//
// # Chaos
//
// TestChaos* break everything at random, and settle the account afterwards (chaos_*.go). CHAOS_SECONDS and CHAOS_SEED say
// how long and how; `task chaos` does it for as long as one likes. The script follows from the seed, what comes of it does
// not quite; the log of a run (-v) has every torment with its time.
//
// Who takes part: bare producers, some in order and some many at once; bare consumers that pull a queue each; bare
// consumers that pop, ack, prolong and forget; and, in rounds of 20 s and more, rocketmq-client-go in processes that are
// killed and frozen as a whole: producers, a group that does not care for order, and one that does. What happens to whom
// is in chaos_embedded.go and chaos_real.go (brokers and name servers), chaos_proxy.go, chaos_actors.go (panics),
// chaos_mob.go and chaos_goclient.go (clients), chaos_process.go (any process). What is asserted:
//
//   - What was accepted is stored where the producer was told, and comes to every group; what was refused is not stored,
//     nor what was cut in the middle.
//   - Queues come in order and without a gap, and so do the messages of a producer that waits for each.
//   - A popped message that is not acked comes again; one whose ack was answered in time does not.
//   - Every request is answered once, or its connection ends; no body or frame is anybody else's.
//   - Gauges are 0 in the end; memory, goroutines, descriptors and actors are what they were.
//
// The rules:
//
//   - A torment ends whole: whatever it froze, stopped or made faulty is well again when it returns.
//   - One that loses a request or an answer also ends the broker's connections. So every request of a bare client is
//     answered, or its connection ends; anything else is a broken promise.
//
// # Files
//
//	target.go      what stories run against      rocketmq.go   real clusters
//	proxy.go       the program under test        java.go       jars, compiler, JVM
//	goclient.go    Go clients, their inbox       javashell.go  Java clients and mqadmin on command
//	chaos_arena.go what a round of chaos is made of, chaos_script.go what happens in it, chaos_ledger.go what is kept of it
//	remoting.go    what the harness asks itself  process.go, until.go, run.go
//
// Stories of a cluster of their own are a file each: brokerlost_test.go (with lossparty_test.go), restart_test.go,
// tls_test.go, proxyprotocol_test.go, acl_test.go, victoriametrics_test.go.
package integration
