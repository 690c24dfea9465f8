package proxytest

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
	"github.com/rocketmq-proxy/rocketmq-proxy/messages"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// Sim is one proxy in virtual time, on a network in memory. Each of its listeners has a host of its own: the ports of
// the first are 10.0.0.1:9876 for name servers and 10.0.0.1:20000 for broker-a, those of the second are at 10.0.0.2.
type Sim struct {
	*Proxy
	Network     *Network
	NameServers []*FakeBroker // that the test has started
	Broker      *FakeBroker   // broker-a, where InSim has started it
}

// Addresses on the network of a [Sim]: the ports of its first listener, "office", and of its second one, "branch", and
// the brokers' own.
const (
	OfficePort       = "10.0.0.1:9876"
	OfficeBrokerPort = "10.0.0.1:20000"
	BranchPort       = "10.0.0.2:9876"
	BranchBrokerPort = "10.0.0.2:20000"

	AddressA = "10.0.1.1:10911"
	AddressB = "10.0.1.2:10911"
)

// Brokers by name, as name servers on the network of a [Sim] know them.
var (
	OnlyA = map[string]string{BrokerA.Name: AddressA}
	AAndB = map[string]string{BrokerA.Name: AddressA, BrokerB.Name: AddressB}
)

// VIP is the address of a port's VIP port.
func VIP(address string) string {
	a := netip.MustParseAddrPort(address)
	return netip.AddrPortFrom(a.Addr(), a.Port()-2).String()
}

// NameServerAddress is the address of the i-th name server on the network of a [Sim].
func NameServerAddress(i int) string { return fmt.Sprintf("10.0.2.%d:9876", i+1) }

// NameServerAddresses are the first n of them.
func NameServerAddresses(n int) (all []string) {
	for i := range n {
		all = append(all, NameServerAddress(i))
	}
	return all
}

// InVirtualTime runs a test with a proxy that has not started, on a network on which nobody listens.
func InVirtualTime(t *testing.T, o Options, test func(t *testing.T, s *Sim)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		if o.NameServers == nil {
			o.NameServers = NameServerAddresses(1)
		}
		if o.Listeners == nil {
			o.Listeners = []string{"office"}
		}
		n := NewNetwork()
		change := o.Listener
		o.Listener = func(l *actors.Listener) {
			l.Ports.Listen = route.PortRange{First: 20000, Last: 20009}
			if change != nil {
				change(l)
			}
		}
		s := &Sim{Network: n, Proxy: newProxy(t, n, o, func(i int) string { return fmt.Sprintf("10.0.0.%d:9876", i+1) })}
		defer s.end()
		test(t, s)
	})
}

// InSim runs a test with a proxy that is open. A name server knows broker-a, whose connections the test accepts.
func InSim(t *testing.T, o Options, test func(t *testing.T, s *Sim)) {
	t.Helper()
	InVirtualTime(t, o, func(t *testing.T, s *Sim) {
		s.StartNameServer(0, nil).Answers(Knows(AddressA))
		s.Broker = s.FakeBroker(AddressA)
		s.Start()
		test(t, s)
	})
}

// Start starts the proxy's actors and waits until they wait for something.
func (s *Sim) Start() {
	s.T.Helper()
	s.Proxy.Start()
	synctest.Wait()
}

func (s *Sim) end() {
	ended := time.Now()
	s.stop()
	if took := time.Since(ended); took > time.Second {
		s.T.Errorf("the end waits %v for somebody who does not answer", took)
	}
	s.Network.Close()
	time.Sleep(time.Minute) // timers of the library end by themselves, and dials that hang
}

// FakeBroker starts a fake broker at an address. It ends with the test.
func (s *Sim) FakeBroker(address string) *FakeBroker {
	s.T.Helper()
	f := s.Network.FakeBroker(s.T, address)
	s.T.Cleanup(f.Crash)
	return f
}

// StartBroker starts a fake broker that answers everything with success until it is told otherwise.
func (s *Sim) StartBroker(address string) *FakeBroker {
	s.T.Helper()
	f := s.FakeBroker(address)
	f.Answers(Succeed)
	return f
}

// StartNameServer starts the i-th name server, which knows brokers by their names.
func (s *Sim) StartNameServer(i int, brokers map[string]string) *FakeBroker {
	s.T.Helper()
	f := s.FakeBroker(NameServerAddress(i))
	f.Answers(KnowsBrokers(brokers))
	s.NameServers = append(s.NameServers, f)
	return f
}

// Dial connects a client to a port of the proxy, which must not refuse it.
func (s *Sim) Dial(address string) *Client {
	s.T.Helper()
	require.False(s.T, s.Refuses(address), "%s refuses", address)
	return s.DialFrom(address, "198.51.100.7:1234")
}

// Pinned connects a client to broker-a's port and, by one oneway request, to the broker itself.
func (s *Sim) Pinned() (client, broker *Client) {
	s.T.Helper()
	return pin(s.Dial(s.Port(BrokerA)), s.Broker)
}

// Consumer connects a registered consumer to broker-a.
func (s *Sim) Consumer() *Client {
	s.T.Helper()
	c := s.Dial(s.Port(BrokerA))
	require.Equal(s.T, codec.ResSuccess, c.Call(ConsumerHeartbeat()).Code)
	return c
}

// DialFrom connects a client from an address, even to a port that refuses, as one does that was in its queue already.
func (s *Sim) DialFrom(address, from string) *Client {
	s.T.Helper()
	p := s.Network.port(address)
	require.NotNil(s.T, p, "nobody listens at %s", address)
	nc, err := p.connect(netip.MustParseAddrPort(from))
	require.NoError(s.T, err)
	synctest.Wait()
	c := NewClient(s.T, nc)
	c.Version = codec.Version5_5_0
	return c
}

// Refuses reports whether an address of the proxy refuses connections.
func (s *Sim) Refuses(address string) bool {
	synctest.Wait()
	p := s.Network.port(address)
	return p == nil || p.refuses()
}

// Kill makes an actor, which must be there, panic some times.
func (s *Sim) Kill(id string, times int) {
	s.T.Helper()
	require.Contains(s.T, s.Env.Actors(id), id)
	for range times {
		s.Proxy.Kill(id)
		synctest.Wait()
	}
}

// Tell sends a message to the actor with an id and waits until all that follows from it has happened.
func (s *Sim) Tell(id string, message any) {
	s.Proxy.Tell(id, message)
	synctest.Wait()
}

// One is the id of the only actor of a kind below another one.
func (s *Sim) One(prefix, kind string) (id string) {
	s.T.Helper()
	for _, each := range s.Env.Actors(prefix) {
		if actors.Kind(each) == kind {
			require.Empty(s.T, id, "more than one %s", kind)
			id = each
		}
	}
	require.NotEmpty(s.T, id, "no %s below %s", kind, prefix)
	return id
}

// Drain has the proxy let its clients go.
func (s *Sim) Drain(order messages.Drain) { s.Tell(actors.Root, &order) }
