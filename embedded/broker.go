package embedded

import (
	"net/netip"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/codec"
)

// Broker is one broker of a cluster. What it shares with brokers of the same name is in its brokerSet; what hangs on
// its own connections (members, locks, long polls) is here and guarded by the set's lock.
type Broker struct {
	server
	cluster   *Cluster
	set       *brokerSet
	id        int64
	advertise string
	host      netip.AddrPort // the store host of its messages

	running    bool
	members    membership
	locks      map[lockKey]*queueLock
	polls      longPolls
	cancelTick func() bool
}

func newBroker(cl *Cluster, set *brokerSet, o BrokerOptions) *Broker {
	b := &Broker{cluster: cl, set: set, id: o.ID, advertise: o.Advertise}
	b.server = server{
		clock: cl.options.Clock, log: cl.options.Logger, addr: o.Address, vip: cl.options.VIPChannel, version: cl.options.Version,
		handle: b.serveRequest, gone: b.connectionGone,
	}
	b.polls.broker = b
	return b
}

// Name is the broker's name.
func (b *Broker) Name() string { return b.set.name }

// ID is 0 for a master.
func (b *Broker) ID() int64 { return b.id }

// Stop ends the broker as if its process were killed: the port is refused, all connections and with them members,
// locks and long polls are gone, and the name servers notice at once. Messages, topics, groups and offsets survive.
func (b *Broker) Stop() {
	b.halt()
	b.cluster.registry.withdraw(b.set.name, b.id)
}

// Cut is Stop, but the name servers go on naming the broker, as after a network partition.
func (b *Broker) Cut() { b.halt() }

// Restart starts the broker at the same address, stopping it first if it runs.
func (b *Broker) Restart() error {
	b.halt()
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	if err := b.open(); err != nil {
		return err
	}
	b.host = netip.MustParseAddrPort(b.Addr())
	b.members = newMembership()
	b.locks = make(map[lockKey]*queueLock)
	b.running = true
	b.set.join(b)
	b.tick()
	orDefault(&b.advertise, b.Addr())
	b.cluster.registry.announce(b.set.name, b.id, b.advertise)
	return nil
}

func (b *Broker) halt() {
	b.set.mu.Lock()
	b.running = false
	b.set.leave(b)
	b.polls.clear()
	if b.cancelTick != nil {
		b.cancelTick()
	}
	b.set.mu.Unlock()
	b.shut()
}

// locked runs f with the set's lock held, if the broker still runs: timers end here.
func (b *Broker) locked(f func()) {
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	if b.running {
		f()
	}
}

// tick looks for silent clients and connections each 10 s, as brokers do (ClientHousekeepingService.java).
func (b *Broker) tick() {
	b.cancelTick = b.clock.AfterFunc(10*time.Second, func() {
		b.closeIdle()
		b.closeExpiredMembers()
		b.locked(b.tick)
	})
}

// serveRequest runs a handler under the set's lock. A handler that returns nil answers later or never.
func (b *Broker) serveRequest(r *request) {
	handler := brokerHandlers[r.Code]
	if handler == nil || r.conn.vip && !onVIPChannel(r.Code) || b.version < version5 && since5[r.Code] {
		r.answer(r.unsupported())
		return
	}
	b.set.mu.Lock()
	var answer *codec.Command
	if b.running {
		answer = handler(b, r)
	}
	b.set.mu.Unlock()
	if answer != nil {
		r.answer(answer)
	}
}

func (b *Broker) connectionGone(c *connection) {
	b.locked(func() {
		b.polls.removeConnection(c)
		b.members.leave(c)
	})
}
