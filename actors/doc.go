// Package actors is everything of the proxy that lives, as a tree of supervisors and, in the packages below, the actors
// that they supervise:
//
//	system      protoactor as the proxy uses it: mailboxes, dispatchers, supervision. It knows nothing of RocketMQ.
//	stats       what is counted: recorders, the 27 statistics, metrics, rejections
//	env         what all actors of one proxy share: runtime, transport, settings, recorders
//	cluster     what is known of one RocketMQ cluster
//	upstream    one connection to a broker or name server after another
//	connection  one client socket, and the requests that wait for an answer
//	listener    the open ports, their acceptors and connections
//
// What survives an actor's crash is owned one level up, by a plain struct ([Tree], [Listener], [Cluster], [Statistics]).
// Actors never block. They get events from transport as messages, decide by the pure functions of route, and talk to
// each other in the types of messages. What their supervisors do about a panic is the table in system/supervision.go;
// what losing a broker means to each kind of client is at the top of connection/loss_policy.go.
//
// [Env] is what all of them share; [Env.Start] spawns a [Tree], [Env.Revise] takes it to its next [Revision].
package actors
