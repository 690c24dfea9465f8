package config

// Route is one [[route]] table.
type Route struct {
	// The listener that it is for. Empty: all.
	Listener string `toml:"listener"`
	// The topics, by one of exact, prefix, suffix and regex (RE2; it must match the whole name): { prefix = "order-" }. With
	// ignore_case = true capitals do not matter; with invert = true it matches all others. Topics of groups (%RETRY%, %DLQ%)
	// are in all clusters and match no route. Empty: every topic.
	Topic Matcher `toml:"topic"`
	// What else must match, all of it: language ("JAVA", "GO", ...) and version (a number, see docs/COMPATIBILITY.md) of the
	// client, by one of exact, prefix, suffix, regex, range = { start = 317, end = 401 } (end not included) and present = true:
	// [{ name = "language", exact = "GO" }]. On one-port listeners also code, group and any ext field: a route with one of these
	// only counts for requests that name no broker.
	Headers []HeaderMatcher `toml:"headers"`
	// The cluster that the topics are in. No default.
	Cluster string `toml:"cluster"`
	// Only those of its brokers whose metadata (cluster.broker.metadata) agrees, such as { zone = "eu" }. Empty: all.
	Subset map[string]string `toml:"subset"`
	// Another cluster whose queues of the topics consumers see as well, until the line is removed; producers do not. For moving
	// topics without losing a message, see docs/OPERATIONS.md. Empty: none.
	DrainFrom string `toml:"drain_from"`
}

// Limit is one [[limit]] table.
type Limit struct {
	// The limit's name in answers and metrics. No default.
	Name string `toml:"name"`
	// The listener that it is for. Empty: all.
	Listener string `toml:"listener"`
	// The topics, as in a [[route]]: { exact = "orders" }. Empty: all.
	Topic Matcher `toml:"topic"`
	// The groups of consumers and producers: { prefix = "batch-" }. Empty: all.
	Group Matcher `toml:"group"`
	// The clients, by their ids, such as 10.0.0.7@4711. An id is known from the client's first heartbeat on; before, no
	// matcher matches it. Empty: all.
	Client Matcher `toml:"client"`
	// The networks that clients are in: ["10.1.0.0/16"].
	Addresses []string `toml:"address"`
	// What has a limit of its own: "client" (before its first heartbeat, each connection), "address" (IPv6: a /64), "topic"
	// or "group". Empty: all together.
	Per string `toml:"per"`
	// Requests per second. 0: no such limit.
	RequestsPerSecond int `toml:"requests_per_second"`
	// Bytes per second, of whole frames (size). 0: no such limit.
	BytesPerSecond Size `toml:"bytes_per_second"`
	// Requests that may come at once after a quiet time, or bytes if only they are limited. A request that is larger passes
	// when nothing was sent for long enough, and what comes after it waits for longer. 0: one second's worth.
	Burst int `toml:"burst"`
	// Requests that may wait for an answer at a time. Pulls and pops count until the broker has held them for 0.1 s. 0: no
	// such limit.
	InFlight int `toml:"in_flight"`
}
