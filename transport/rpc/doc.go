// Package rpc serves gRPC on connections that it is given. It knows no messages, only their bytes: each RPC is a [Call],
// with metadata, a deadline, messages in and out, an end, and cancellation by the client.
//
// It is gRPC on the HTTP/2 of net/http, behind an interface of our own, so that an HTTP/2 on the event loops can take its place.
// grpc-go, with its dependencies, makes the program 3 MB larger, and with it the memory of a proxy that no gRPC client uses;
// net/http is there for the admin address anyway. Nothing runs before the first connection.
package rpc
