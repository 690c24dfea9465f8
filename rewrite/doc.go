// Package rewrite puts the proxy's addresses where RocketMQ's bodies and ids have a broker's, so that clients come back
// to the proxy. Its functions are pure: no actor, socket, clock or file.
//
//   - [TopicRouteBrokers] and [ClusterBrokers] read from the answers to 105 and 106 which brokers there are;
//     [TopicRoute] and [ClusterInfo] put the proxy's own addresses into them. Nothing else in such a body
//     changes: names, queues, permissions and keys nobody knows yet stay to the byte.
//   - [MessageIDs] and [StoreHostRewriter] hide brokers' addresses in offset message ids and in messages, for
//     listeners with rewrite_message_ids.
//   - [ReadHeartbeat] tells the heartbeat that is worth replaying after a broker was lost, and whose.
//
// Bodies come from Java peers and are fastjson's dialect of JSON: integers and even objects may stand where a key is
// expected. The tokenizer here reads that and nothing is built from it: a body is parsed to the offsets of what may
// change, and the result is the body with these places spliced. Malformed bodies are errors, never panics; nesting is
// bounded, so that no body costs stack.
package rewrite
