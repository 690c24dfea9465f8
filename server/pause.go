package server

import (
	"cmp"
	"slices"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
)

// Pauses lists the brokers that are paused.
func (o *operations) Pauses() []admin.Paused {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := []admin.Paused{}
	for _, c := range o.tree().Clusters {
		for broker, p := range c.Pauses() {
			list = append(list, admin.Paused{Cluster: c.Name, Broker: broker, Since: p.Since().UTC(), Parked: p.Parked.Load()})
		}
	}
	slices.SortFunc(list, func(a, b admin.Paused) int {
		return cmp.Or(cmp.Compare(a.Cluster, b.Cluster), cmp.Compare(a.Broker, b.Broker))
	})
	return list
}

// Pause begins a pause of a broker in each cluster that has one of that name; one that has begun goes on.
func (o *operations) Pause(cluster, broker string) error {
	return o.change(func() error { return o.beginPause(cluster, broker) })
}

func (o *operations) beginPause(cluster, broker string) error {
	list, err := o.clusters(cluster, broker)
	if err != nil {
		return err
	}
	for _, c := range list {
		if o.findPause(c.Name, broker) < 0 {
			now := time.Now().UTC()
			o.state.Pauses = append(o.state.Pauses, pauseRecord{c.Name, broker, now})
			o.log.Info("broker paused", "cluster", c.Name, "broker", broker)
			c.Pause(broker, now)
		}
	}
	return nil
}

// Resume ends it.
func (o *operations) Resume(cluster, broker string) error {
	return o.change(func() error { return o.endPause(cluster, broker) })
}

func (o *operations) endPause(cluster, broker string) error {
	list, err := o.clusters(cluster, broker)
	ended := slices.DeleteFunc(slices.Clone(o.state.Pauses), func(p pauseRecord) bool {
		return p.Broker != broker || cluster != "" && p.Cluster != cluster
	})
	if err != nil && len(ended) == 0 { // else it was forgotten meanwhile
		return err
	}
	o.state.Pauses = slices.DeleteFunc(o.state.Pauses, func(p pauseRecord) bool { return slices.Contains(ended, p) })
	for _, p := range ended {
		o.log.Info("broker resumed", "cluster", p.Cluster, "broker", broker)
	}
	for _, c := range o.tree().Clusters {
		if slices.Contains(list, c) || slices.ContainsFunc(ended, func(p pauseRecord) bool { return p.Cluster == c.Name }) {
			c.Resume(broker)
		}
	}
	return nil
}

func (o *operations) findPause(cluster, broker string) int {
	return slices.IndexFunc(o.state.Pauses, func(p pauseRecord) bool { return p.Cluster == cluster && p.Broker == broker })
}
