// Package rewrite puts the proxy's addresses where RocketMQ's frames have a broker's, so that clients come back to the
// proxy. Its functions are pure: no actor, socket, clock or file.
//
// # Routes
//
// [TopicRouteBrokers] and [ClusterBrokers] read from the answers to 105 and 106 which brokers there are; [TopicRoute] and
// [ClusterInfo] put the proxy's addresses into them. Nothing else in such a body changes: names, queues, permissions and
// keys of later versions stay to the byte. A broker without a [Place] is left out, together with its queues.
//
// These bodies come from Java peers and are fastjson's dialect of JSON, which package jsonscan walks. Nothing is built
// from them: a body is parsed to the offsets of what may change, and the result is the body with these places spliced.
// Malformed bodies are a [BodyError], never a panic.
//
// # Store hosts
//
// A stored message names the broker that stored it: its store host, 4 or 16 bytes of IP address and 4 of port. Clients use
// it in three ways. They make the offset message id of it, which viewMessage dials; Go's orderly consumer sends an
// exhausted message back to it; dashboards compare it with the addresses of routes. Unless it is rewritten clients go past
// the proxy, or compare unequal. [InAnswer] and [InRequest] say where a frame has store hosts:
//
//	answers to 10, 310, 320      offset message ids in the ext field msgId
//	answers to 11, 361           messages in the body: pull, lite pull
//	answers to 200050, 50        messages in the body: pop; also 200052, peek
//	answers to 12, 33            messages in the body: query, view
//	39 of a broker               an offset message id in the ext field offsetMsgId, and one message in the body
//	309 of a broker              one message in the body
//	326 of a broker              the ext field storeHost, "ip:port"; its body is a payload
//
// [Hosts.Head] rewrites the ext fields, [StoreHosts] the body, in place and in pieces of any size as they pass. Every
// store host is mapped by its own address ([Lookup]), because a slave hands out its master's messages. What the lookup
// does not know stays, and so does an address of the other family than the advertised one: the field has no room for it.
// The ids that a producer gets and those that consumers make are therefore equal, as they are without a proxy.
//
// Untouched are born hosts, properties (ORIGIN_MESSAGE_ID among them), payloads, compressed or not, and the inner messages
// of a batch, which have no hosts. The checksum of a message covers its payload only, and answers are not signed.
//
// # Heartbeats
//
// [ReadHeartbeat] says whether a heartbeat is worth replaying after a broker was lost, and which client it is of.
package rewrite
