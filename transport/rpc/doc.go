// Package rpc serves gRPC on connections that it is given. It knows no messages, only their bytes: each RPC is a [Call],
// with metadata, a deadline, messages in and out, an end, and cancellation by the client.
//
// It is grpc-go behind an interface of our own, so that an HTTP/2 on the event loops can take its place. Nothing of it
// exists before the first connection.
package rpc
