// Package embedded is a RocketMQ in memory: name servers and brokers that speak the remoting protocol over real TCP
// connections, well enough that the stock Java and Go clients and mqadmin work against them. It starts in
// milliseconds and needs no files. It is the broker behind `rocketmq-proxy dev` and the fixture of this project's tests,
// and may be that of yours. It imports codec for the frames that it writes, and no part of the proxy.
//
// [Start] starts a [Cluster]; [Cluster.NameServers] are the addresses for clients, and [Cluster.Close] ends it.
// [Options] say how many name servers and brokers there are and what they allow. A test reads what came of its clients
// from a [Broker]: [Broker.Messages], [Broker.Members], [Broker.Offset], [Broker.Clients]. Each has a variant that waits,
// such as [Broker.WaitMessages], so that a test needs no sleeps.
//
// # Faults
//
// Each server (a [Broker] or a [NameServer]) takes a [Fault] for one request code, or for all with [AnyCode]. A fault
// lasts until it is removed unless [Fault.Once] or [Fault.Times] narrows it; of several faults the oldest that applies
// strikes. Its [FaultHandle] can be waited on. The faults of a request are [Hold], [Drop], [DropAnswer], [Delay],
// [Answer], [Kill], [Slow], [Garbage] and [CutAnswer]. Those of a server are Stop, Restart, PauseReading and
// CloseConnections; a broker also has [Broker.Cut], which leaves it in the routes.
//
// # What it does as real servers do
//
// Membership belongs to the TCP connection: one client per group and connection, which is gone when the connection ends
// (also by half), and every change is sent to the members (code 40). Answers have JSON headers like a default broker's,
// whatever the request came in. Requests are read as leniently as RocketMQ 5.5.0 reads them (testdata/spellings.tsv), by
// a decoder of the package's own; so are JSON bodies (testdata/bodies.tsv). Bodies are written in fastjson's dialect where
// it differs from JSON.
//
// Brokers of one name (a master and its slaves) share one store at once; there is no replication lag. All servers of a
// cluster read the time from one [Clock]; with a [ManualClock], delays, locks, invisible times, long polls and
// transaction checks pass by [ManualClock.Advance]. Only [Slow] and the sockets use real time.
//
// Memory is bounded for each broker name ([Options.MaxMemory]): the oldest messages are dropped first.
//
// # What it does not do
//
//   - Storage: no disk, no flush or replication states. A restart of the process loses everything; [Broker.Restart] does
//     not.
//   - Access control, TLS and the PROXY protocol: requests are neither signed nor encrypted.
//   - Registration: brokers outside of the process are refused (103); there is no controller and no acting master.
//   - Topics of other kinds: no static topics, no batch consume queues (BatchCQ), no compaction, no lite topics, no
//     message types. 5.x attributes are kept and shown, and change nothing.
//   - Timers: they are exact, where real ones have a precision of 1 s. Recall takes effect at once. Delay levels are the
//     default ones.
//   - Queries: a key is looked for in all messages, so a query gets slower with the number of messages. Statistics of
//     brokers and topics (runtime info) are zeros.
//   - Pop: no revive topic, no long polling limits; the retry topic is that of version 1.
//   - Flow control: no system busy, no back-pressure but that of TCP; thread pools and their queues do not exist.
//   - Configuration: what 25 and 318 set is kept and shown, and changes nothing.
//   - gRPC.
//
// Codes that it does not know are answered with 3, "request type not supported".
package embedded
