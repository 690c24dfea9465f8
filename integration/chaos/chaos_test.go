package chaos

import (
	"fmt"
	"testing"
	"time"
)

const (
	// longEnoughForStock is the length of a round from which on stock clients take part: they come back by timers of 20 and
	// 30 seconds.
	longEnoughForStock = 20 * time.Second
	// longEnoughForLocks is from which on a group of two consumes in order: the locks of a member that has lost its
	// connection go over to the other after a minute.
	longEnoughForLocks = time.Minute
)

// invite lets the stock clients take part that a round of some length has time for.
func (e *environment) invite(length time.Duration) {
	if length < longEnoughForStock {
		return
	}
	e.stock, e.orderly = goClients, 1
	if length >= longEnoughForLocks {
		e.orderly = 2
	}
}

// TestChaos breaks everything at random under producers and consumers: brokers, name servers, proxies, clients. What was
// accepted is stored where the producer was told, and comes; what was refused is not there; nobody sees bytes that are
// not meant for him; and in the end the proxies are as they were in the beginning.
func TestChaos(t *testing.T) {
	t.Parallel()
	for _, proxies := range []int{1, 2} {
		t.Run(fmt.Sprintf("%dproxies", proxies), func(t *testing.T) {
			t.Parallel()
			chaosRounds(t, func(t *testing.T, seed uint64, length time.Duration) {
				e, cluster := embeddedEnvironment(t)
				for i := range proxies {
					e.proxies = append(e.proxies, startProxy(t, fmt.Sprintf("proxy-%d", i), upstreams{NameServers: cluster.NameServers()}))
				}
				e.invite(length)
				e.round(t, seed, length)
			})
		})
	}
}

// TestChaosOfActors is the same for a proxy whose actors panic.
func TestChaosOfActors(t *testing.T) {
	t.Parallel()
	chaosRounds(t, func(t *testing.T, seed uint64, length time.Duration) {
		e, cluster := embeddedEnvironment(t)
		e.proxies = append(e.proxies, newActorTree(t, upstreams{NameServers: cluster.NameServers()}))
		e.round(t, seed, length)
	})
}

// TestChaosOfOnePort is the same for three brokers of two clusters behind one port: requests name their broker, and one
// connection is for all of them; routes say which topic is in which cluster.
func TestChaosOfOnePort(t *testing.T) {
	t.Parallel()
	t.Run("program", func(t *testing.T) {
		t.Parallel()
		chaosRounds(t, func(t *testing.T, seed uint64, length time.Duration) {
			e, to := onePortEnvironment(t)
			e.proxies = append(e.proxies, startProxy(t, "one-port", to))
			e.invite(length)
			e.round(t, seed, length)
		})
	})
	t.Run("actors", func(t *testing.T) {
		t.Parallel()
		chaosRounds(t, func(t *testing.T, seed uint64, length time.Duration) {
			e, to := onePortEnvironment(t)
			e.proxies = append(e.proxies, newActorTree(t, to))
			e.round(t, seed, length)
		})
	})
}

// realChaos is how long a real RocketMQ is broken: a broker takes some ten seconds to start again.
const realChaos = 40 * time.Second

// TestChaosReal is the same with brokers and a name server of RocketMQ 5.5.0 as processes, and two proxies.
func TestChaosReal(t *testing.T) {
	t.Parallel()
	e, cluster := realEnvironment(t)
	for i := range 2 {
		e.proxies = append(e.proxies, startProxy(t, fmt.Sprintf("proxy-%d", i), upstreams{NameServers: []string{cluster.NameServer}}))
	}
	length := max(realChaos, min(chaosTime(t), longestRound))
	e.invite(length)
	e.round(t, chaosSeed(t), length)
}
