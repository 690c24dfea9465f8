// Package integration holds what runs real clients, over real TCP, through the real program. It has no code of its own:
//
//	stories   what a user does with RocketMQ, one test each
//	chaos     everything breaks at random, and the account is settled afterwards
//	harness   what both stand on: clusters, proxies, clients, processes
//
// Nothing of the program imports any of it. Stories and chaos are _test files; the harness is a package because both
// use it.
//
// # Stories
//
// A story is what a user does with RocketMQ, from a send of 3 MiB to a member that leaves its group, and it does not
// know what it talks to. That is a harness.Target: something that clients take for a name server and its brokers. There
// are
//
//	dev               `rocketmq-proxy dev`, with its own broker
//	proxy-embedded    `rocketmq-proxy serve` in front of two embedded brokers with VIP ports
//	proxy-5.5.0       the same in front of a RocketMQ 5.5.0 of two brokers
//	proxy-4.9.7       the same in front of a 4.9.7 of one broker
//	one-port          `serve` with one port for all in front of an embedded broker, for some of them
//	one-port-of-two   the same in front of a RocketMQ 5.5.0 of two brokers
//	direct-embedded   the embedded brokers, direct-5.5.0 and direct-4.9.7 the real ones, without a proxy: the control
//
// The stories are told by rocketmq-client-go v2.1.2 (goclient_*.go), by the Java clients 5.5.0 and 4.9.4, of which the
// latter puts no broker name into its requests (harness/java/src), by mqadmin of both lines, whose output through the
// proxy is compared with what it prints direct, and, for sends and receptions only, by ali-ons (Node.js) and librocketmq
// (C++, from a Python wheel; harness/other).
//
// SDKs of RocketMQ 5, which speak gRPC, run in processes of their own, with TLS as by default and without: that of Go v5.1.4
// (harness/gosdk, a module of its own) and of Java 5.2.0 (harness/java/sdk). Both understand the same commands, so their
// stories, in sdk_*_test.go, are written once.
//
// # Running
//
//	go test ./integration/...                           Go client, embedded brokers; needs nothing but Go, takes a minute
//	ROCKETMQ_REAL=1 go test ./integration/...           everything; needs Java 17, mvn, npm, python3-pip, victoria-metrics
//	ROCKETMQ_DIRECT=1 go test ./integration/stories     the control: the same stories without the proxy
//
// A story that fails in the control as well says nothing about the proxy. With ROCKETMQ_REAL=1 nothing is skipped:
// what is missing on the machine is a failure. Jars come from Maven Central once, into ROCKETMQ_PROXY_CACHE (default
// ~/.cache/rocketmq-proxy), and the compiled Java stories stay there, too. After a failure the run prints where its
// logs are: of the brokers, of the proxies, of the Java programs, of the Go client.
//
// One story alone: go test ./integration/stories -run 'TestGoClient/dev/Retry'. Java stories of one client and target
// run in one JVM, so -run picks them by that only: -run 'TestJavaClient494/proxy-4.9.7'.
//
// # Adding a story
//
// For the Go client: write func goWhatHappens(t, target) in the file goclient_*_test.go it belongs to, and put it into
// goStories. For the Java clients: write it in the class of harness/java/src it belongs to, add it there in
// addTo, and put its name into javaStories; what compiles against 5.5.0 only belongs into harness/java/src-5.5.0. Prove it with
// ROCKETMQ_DIRECT=1 first. The rules:
//
//   - Topics, groups and client ids are the story's own (harness.Unique, Target.Topic, Fixture.unique): all stories run
//     at the same time against the same brokers.
//   - Producers retry nothing, unless the story is about that: a retry hides the message that got lost.
//   - Bodies are compared byte by byte as sets with counts: what came, what is missing, what came twice.
//   - Nothing depends on a duration being short. Wait for a condition (harness.Await, Fixture.await), never for time to
//     pass. That something takes at least so long (a delay) may be asserted.
//   - Nothing that changes a broker for others: stories that kill brokers start a cluster of their own
//     (harness.StartCluster).
//
// Stories of a cluster of their own are a file each: brokerlost_test.go (with lossclients_test.go and
// lossoutcome_test.go), restart_test.go, tls_test.go, proxyprotocol_test.go, acl_test.go, victoriametrics_test.go.
package integration
