// Package stories tells stories of stock clients to every target; package integration says what that is and how to add
// one. goclient_*_test.go are those of rocketmq-client-go; javaclient_test.go runs those of the Java clients, which are
// in ../harness/java; mqadmin_test.go compares what mqadmin prints. Every other file is a story with a cluster or a proxy
// of its own.
package stories
