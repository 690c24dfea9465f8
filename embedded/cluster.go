package embedded

import (
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Cluster is a set of name servers and brokers in this process.
type Cluster struct {
	options     Options
	registry    *registry
	nameServers []*NameServer

	mu      sync.Mutex
	sets    map[string]*brokerSet
	brokers []*Broker
}

// Start starts a cluster. Everything listens when it returns.
func Start(o Options) (*Cluster, error) {
	o = o.withDefaults()
	cl := &Cluster{options: o, registry: newRegistry(o.ClusterName), sets: make(map[string]*brokerSet)}
	for _, addr := range o.NameServerAddresses {
		ns := newNameServer(cl, addr)
		if err := ns.Restart(); err != nil {
			cl.Close()
			return nil, fmt.Errorf("cannot start a name server: %w", err)
		}
		cl.nameServers = append(cl.nameServers, ns)
	}
	for _, b := range o.Brokers {
		if _, err := cl.AddBroker(b); err != nil {
			cl.Close()
			return nil, err
		}
	}
	return cl, nil
}

// Close stops everything. No goroutine of the cluster is left when it returns.
func (cl *Cluster) Close() {
	for _, b := range cl.Brokers() {
		b.Stop()
	}
	for _, ns := range cl.nameServers {
		ns.Stop()
	}
}

// Name is the cluster's name.
func (cl *Cluster) Name() string { return cl.options.ClusterName }

// NameServers are the addresses of the name servers, the running and the stopped ones.
func (cl *Cluster) NameServers() []string {
	addrs := make([]string, len(cl.nameServers))
	for i, ns := range cl.nameServers {
		addrs[i] = ns.Addr()
	}
	return addrs
}

// NameServer is the i-th name server.
func (cl *Cluster) NameServer(i int) *NameServer { return cl.nameServers[i] }

// Brokers are all brokers, in the order in which they were added.
func (cl *Cluster) Brokers() []*Broker {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	return slices.Clone(cl.brokers)
}

// Broker is the master of that name, or nil.
func (cl *Cluster) Broker(name string) *Broker { return cl.BrokerWithID(name, 0) }

// BrokerWithID is the broker of that name and id, or nil.
func (cl *Cluster) BrokerWithID(name string, id int64) *Broker {
	for _, b := range cl.Brokers() {
		if b.set.name == name && b.id == id {
			return b
		}
	}
	return nil
}

// AddBroker starts another broker and registers it with the name servers.
func (cl *Cluster) AddBroker(o BrokerOptions) (*Broker, error) {
	o = o.withDefaults()
	if cl.BrokerWithID(o.Name, o.ID) != nil {
		return nil, fmt.Errorf("cannot add broker %s/%d: a broker of this name and id exists; choose another id", o.Name, o.ID)
	}
	b := newBroker(cl, cl.setOf(o.Name), o)
	if err := b.Restart(); err != nil {
		return nil, fmt.Errorf("cannot start broker %s/%d: %w", o.Name, o.ID, err)
	}
	cl.mu.Lock()
	cl.brokers = append(cl.brokers, b)
	cl.mu.Unlock()
	return b, nil
}

func (cl *Cluster) setOf(name string) *brokerSet {
	cl.mu.Lock()
	defer cl.mu.Unlock()
	set := cl.sets[name]
	if set == nil {
		set = newBrokerSet(cl, name)
		cl.sets[name] = set
	}
	return set
}

// RemoveBroker stops a broker and takes it out for good. With the last one of a name its messages go too.
func (cl *Cluster) RemoveBroker(name string, id int64) error {
	b := cl.BrokerWithID(name, id)
	if b == nil {
		return fmt.Errorf("cannot remove broker %s/%d: no such broker", name, id)
	}
	b.Stop()
	cl.mu.Lock()
	defer cl.mu.Unlock()
	cl.brokers = slices.DeleteFunc(cl.brokers, func(x *Broker) bool { return x == b })
	if !slices.ContainsFunc(cl.brokers, func(x *Broker) bool { return x.set == b.set }) {
		delete(cl.sets, name)
	}
	return nil
}

// CreateTopic creates a topic with so many queues on every broker.
func (cl *Cluster) CreateTopic(topic string, queues int) error {
	var errs []error
	for _, b := range cl.Brokers() {
		if b.id == 0 {
			errs = append(errs, b.CreateTopic(topic, queues))
		}
	}
	return errors.Join(errs...)
}
