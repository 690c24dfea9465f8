// Package pb is the gRPC API of RocketMQ 5 in Go: the messages of apache/rocketmq-apis, generated.
//
// The .proto files below apache/ are those of commit 3e60073c6dab3430feaec443824802e23ecda681 (2026-07-30), unchanged, under
// the Apache License 2.0 (NOTICE). Of that commit admin.proto is left out, which no client uses.
//
// No package of the proxy may import the Go SDK (github.com/apache/rocketmq-clients/golang): it registers the same files
// with the protobuf runtime, which then panics when the program starts. Tests run that SDK in a process of its own.
package pb

//go:generate go -C ../../tools run ./protogo ../translate/pb
