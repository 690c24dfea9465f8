// Package wire is what the load generator and the sink have in common: an epoll loop on one thread, connections that cut
// a stream into frames without looking at them, frames that are made once and sent often, and TLS in front of either.
//
// It trusts its peers and copies, because both ends must cost less than what stands between them. Linux only.
package wire
