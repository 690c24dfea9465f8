// Package actors is everything of the proxy that lives: connections, requests, listeners, what is known of a cluster,
// and who counts. One kind of actor is one file, or several with its name in front; what survives an actor's crash is
// owned one level up, by a plain struct ([Tree], [Listener], [Directory], [Statistics]).
//
// Actors never block. They get their news from transport as messages, decide by the pure functions of route, and say
// what they have to say in the types of messages. What their supervisors do about a panic is the table in
// supervision.go; what losing a broker means to each kind of client is at the top of connection_loss.go.
//
// [Env] is what all of them share; [Env.Start] spawns a [Tree], [Env.Revise] takes it to its next [Revision].
package actors
