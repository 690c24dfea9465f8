// Package embedded is a RocketMQ in memory: name servers and brokers that speak the remoting protocol over real TCP
// connections, well enough that the stock Java and Go clients and mqadmin work against them. It starts in
// milliseconds, needs no files, and is the fixture of this project's tests and the server behind `rocketmq-proxy dev`.
//
//	cl, err := embedded.Start(embedded.Options{})
//	if err != nil { ... }
//	defer cl.Close()
//	use(cl.NameServers()) // give these to a client
//
// # Outages are part of its API
//
// Each server (a [Broker] or a [NameServer]) takes a [Fault] for one request code, or for all with [AnyCode]. A fault
// lasts until it is removed unless [Fault.Once] or [Fault.Times] says otherwise; of several the one that was set
// first and still applies strikes. Its [FaultHandle] can be waited on, so a test needs no sleeps and reads as the
// story of an outage:
//
//	a := cl.Broker("broker-a")
//	lost := a.Fault(codec.ReqSendMessageV2, embedded.DropAnswer().Once())
//	go producer.Send(message)
//	lost.WaitHits(ctx, 1) // stored, but nobody was told
//	a.Stop()
//	...
//	a.Restart() // same address, messages are still there
//
// What can be done to a request: [Hold], [Drop], [DropAnswer], [Delay], [Answer], [Kill], [Slow], [Garbage] and
// [CutAnswer]. What can be done to a server: Stop, Restart, PauseReading, CloseConnections; to a broker also
// [Broker.Cut], which leaves it in the routes.
//
// # What it keeps to
//
// Membership hangs on the TCP connection, as in real brokers: one client per group and connection, gone when the
// connection ends (also half), and every change is told to the members (code 40). Answers have JSON headers like a
// default broker's, whatever the request came in. Bodies are in fastjson's dialect where it differs from JSON.
//
// Brokers of one name (master and slaves) share one store at once; there is no replication lag. All servers of a
// cluster read the time from one [Clock]; a [ManualClock] makes delays, locks, invisible times, long polls and
// transaction checks a matter of [ManualClock.Advance]. Only [Slow] and the sockets live in real time.
//
// # What it does not do
//
// No disk, no access control, no TLS, no static topics, no controller. Memory is bounded per broker name
// ([Options.MaxMemory]): the oldest messages go first.
package embedded
