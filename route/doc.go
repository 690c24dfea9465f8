// Package route decides what happens to a frame, as pure functions: no actor, socket, clock or file.
//
//   - [Decide] is the only place that says what happens to a request: a [Verdict], by where it arrives, what it is, and a
//     [Table] that is an immutable snapshot.
//   - [OnePort] and [Client] are what it needs on a listener that has one port for all brokers.
//   - [PortTable] gives every broker process a port of its own and never gives that port to another one. The port is
//     what tells a request's broker: clients of every age work, because a request needs to carry no broker name.
//   - [Ordinary] judges answers for the statistics.
//
// What becomes of bodies and message ids is the business of package rewrite, which imports this one.
package route
