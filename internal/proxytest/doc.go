// Package proxytest is what tests of the proxy share, so that stories read alike in every package:
//
//   - [Sim] is the proxy in virtual time (testing/synctest), on a [Network] in memory. Timing logic is tested with it.
//   - [Real] is the proxy on real sockets. [OnBoth] runs a test on event loops and on goroutines, for clients and brokers
//     must not see which of them it is.
//   - [Client] is one end of a raw connection: a client of the proxy, or what a fake broker accepted from the proxy.
//   - [FakeBroker] is a broker or a name server that does what a test says: [FakeBroker.Accept] gives the test each
//     connection, [FakeBroker.Answers] has a function answer each request, [FakeBroker.Plays] serve each connection.
//   - [Log] keeps what the proxy logs.
//
// A story begins with a proxy and a connection through it:
//
//	proxytest.OnBoth(t, func(t *testing.T, on proxytest.Sockets) {
//		r := proxytest.Start(t, on, proxytest.Options{})
//		client, broker := r.Pinned()
//		client.Request(codec.ReqPullMessage, "any news?")
//		broker.Answer(broker.Next(), "none")
//		require.Equal(t, "none", string(client.Next().Body))
//	})
//
// The end of the proxy is part of each test: actors that are left over, a proxy that gave up, and panics that no test
// asked for fail it.
package proxytest
