// Package grpc serves RocketMQ's gRPC API (the 5.x SDKs) of one listener over plain remoting brokers.
//
//	grpc                      owns the server, which owns the HTTP/2 connections
//	├── sessions              client id → session
//	│   └── session/<id>      one client, whatever connections its calls come on
//	│       └── call$n        one RPC; a state machine of questions and answers
//	├── metadata              what is known of topics and groups
//	└── links                 broker → links
//	    └── link$n            one remoting connection to a broker, shared by all calls
//	        └── upstream      its socket
//
// A call reads its request (package translate), asks metadata and links, and writes its answer. Each question comes back with
// its answer (ask.go), so a call is a chain of functions and never waits on a goroutine of its own.
//
// No state that a later call needs is kept: handles and transaction ids carry it, and what clients say in their Settings is
// a hint. So a call works at a proxy that has just started, and a session that is lost costs nobody a message.
//
// A drain has streams ask their clients to connect elsewhere and polls end early; the server waits for all other calls.
//
// Links for polls and for everything else are apart: an answer of a megabyte must not delay one of a hundred bytes.
package grpc
