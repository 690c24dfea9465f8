// Package chaos breaks everything at random under real load, and settles the account afterwards. CHAOS_SECONDS and
// CHAOS_SEED say how long and how; `task chaos` does it for as long as one likes. The script follows from the seed, what
// comes of it does not quite; the log of a run (-v) has every fault with its time.
//
// Brokers have a port each, or, in TestChaosOfOnePort, all have one, and routes lead to two clusters: then requests name their
// broker, and a connection is for several.
//
// Who takes part: bare producers, some in order and some many at once; bare consumers that pull a queue each; bare
// consumers that pop, ack, prolong and forget; and, in rounds of 20 s and more, rocketmq-client-go in processes that are
// killed and frozen as a whole: producers, a group that does not care for order, and one that does. What happens to whom
// is in embedded_test.go and real_test.go (brokers and name servers), proxy_test.go, actors_test.go (panics),
// clientfaults_test.go and goclient_test.go (clients), process_test.go (any process). What is asserted:
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
//   - A fault repairs what it broke: whatever it froze or stopped works again when it returns.
//   - A fault that loses a request or an answer also ends the connections of the broker. So every request of a bare
//     client is answered, or its connection ends; anything else is a violation.
//
// # Files
//
// environment_test.go is what a round is made of, script_test.go what happens in it, ledger_test.go what is kept of it.
// Children of a round are this test binary again (main_test.go): gochild_test.go, actorchild_test.go.
package chaos
