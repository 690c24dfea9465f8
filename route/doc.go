// Package route decides what happens to a frame, as pure functions: no actor, socket, clock or file.
//
//   - [OnNameServerPort] and [OnBrokerPort] say what to do with a request, by its code.
//   - [TopicRouteBrokers] and [ClusterBrokers] read from the answers to 105 and 106 which brokers there are;
//     [RewriteTopicRoute] and [RewriteCluster] put the proxy's own addresses into them, so that clients come back to
//     the proxy. Nothing else in such a body changes: names, queues, permissions and keys nobody knows yet stay to
//     the byte.
//   - [PortTable] gives every broker process a port of its own and never gives that port to another one. The port is
//     what tells a request's broker: clients of every age work, because a request needs to carry no broker name.
//   - [Ordinary] and [Stored] judge answers for the statistics.
//   - [RewriteMessageIDs] and [StoreHostRewriter] hide brokers' addresses in offset message ids and in messages, for
//     listeners with rewrite_message_ids.
//   - [ReadHeartbeat] tells the heartbeat that is worth replaying after a broker was lost, and whose.
//
// Bodies come from Java peers and are fastjson's dialect of JSON: integers and even objects may stand where a key is
// expected. The tokenizer here reads that and nothing is built from it: a body is parsed to the offsets of what may
// change, and the result is the body with these places spliced. Malformed bodies are errors, never panics; nesting is
// bounded, so that no body costs stack.
package route
