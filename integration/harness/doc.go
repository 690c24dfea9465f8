// Package harness is what the stories and chaos stand on: real clusters and the program under test as processes, stock
// clients, and what has to be known of servers without trusting the program.
//
//	target.go      what stories run against      rocketmq.go   real clusters
//	proxy.go       the program under test        java.go       jars, compiler, JVM
//	goclient.go    Go clients, their inbox       javashell.go  Java clients and mqadmin on command
//	remoting.go    what the harness asks itself  bypass.go     who connects past the proxy
//	other.go       clients for Node.js and C++   process.go, until.go, run.go
//
// The sources of the Java programs are in java/, those for Node.js and C++ in other/. It is test code: only tests import it.
package harness
