// Package translate turns calls of RocketMQ's gRPC API into remoting commands for brokers, and brokers' answers into what
// the call answers. It is pure: no sockets, no clocks, no memory of earlier calls.
//
// There is one file for each call. Its Read function validates a request and returns what is asked for; methods make the
// commands of it; another function reads the broker's answer. What a client gets wrong is a [Refusal], and so is a code
// of a broker: [StatusOf] tells what any error is to the client.
//
// Nothing that a later call needs is kept. A receipt handle ([Handle]) says which broker has the message and where, and so
// does a transaction id ([TransactionID]); so any proxy can serve any call, also after a crash.
//
// The producer group of everything that is sent is the topic's name, as with Apache's proxy: half messages of both, and
// their checks, can be mixed.
package translate
