// Package messages holds what the actors of the proxy say to each other. Orders are imperative (Forward, Dial), facts
// are past tense (Lost, Settled). All are sent as pointers and never changed after they were sent, with one exception:
// an [Exchange] passes back and forth between a connection and its request actor, and each field says who owns it.
package messages
