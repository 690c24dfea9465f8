package server

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/rocketmq-proxy/rocketmq-proxy/actors"
	"github.com/rocketmq-proxy/rocketmq-proxy/admin"
	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/route"
)

// operations is what operators have taken out of use for a while: what is in maintenance, by the file and by the API, and
// which brokers are paused. Since when is told by the clock on the wall and kept in state_dir, so that neither a reload nor
// a restart begins the time of grace again.
type operations struct {
	mu    sync.Mutex
	log   *slog.Logger
	file  operationsFile
	now   func() int64 // the process clock
	state operationsState
	tree  func() *actors.Tree
}

// operationsState is what is kept.
type operationsState struct {
	Maintenance []admin.Maintained `json:"maintenance"`
	Pauses      []pauseRecord      `json:"pauses"`
}

type pauseRecord struct {
	Cluster string    `json:"cluster"`
	Broker  string    `json:"broker"`
	Since   time.Time `json:"since"`
}

// startOperations goes on with what was kept.
func (s *Server) startOperations(cfg *config.Config) (err error) {
	o := &s.operations
	o.log, o.file, o.now, o.tree = s.log, operationsFileOf(cfg), s.proxy.Now, s.proxy.Tree
	if o.state, err = o.file.load(); err != nil {
		return err
	}
	if kept := s.handover.Kept(); kept != nil { // what the predecessor knows is newer than its file
		var state operationsState
		if err := json.Unmarshal(kept, &state); err == nil {
			o.state = state
		}
	}
	s.handover.Keep(o.json)
	o.configure(cfg.Maintenance)
	return nil
}

// json is what a successor is told.
func (o *operations) json() json.RawMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	text, _ := json.Marshal(&o.state) // it can be
	return text
}

// configure takes what a configuration says. What it said before, or a predecessor has kept, goes on.
func (o *operations) configure(lines []config.Maintenance) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var next []admin.Maintained
	for _, line := range lines {
		m := admin.Maintained{
			Target: admin.Target{Cluster: line.Cluster, Broker: line.Broker, Topic: line.Topic},
			Mode:   line.Mode, Since: time.Now().UTC(), Grace: line.Grace.Seconds(), Source: admin.FromFile,
		}
		if i := o.find(m.Target); i >= 0 {
			before := o.state.Maintenance[i]
			if m.Since = before.Since; before.Source != m.Source || before.Mode != m.Mode || before.Grace != m.Grace {
				m.Since = time.Now().UTC()
			}
		}
		next = append(next, m)
	}
	for _, m := range o.state.Maintenance {
		inFile := slices.ContainsFunc(next, func(other admin.Maintained) bool { return other.Target == m.Target })
		if m.Source == admin.FromAPI && !inFile {
			next = append(next, m)
		}
	}
	o.state.Maintenance = next
	_ = o.save() // it is in the log
}

// apply tells a cluster what of it is out of use.
func (o *operations) apply(c *actors.Cluster) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.applyMaintenance(c)
	for _, p := range o.state.Pauses {
		if p.Cluster == c.Name {
			c.Pause(p.Broker, p.Since)
		}
	}
}

func (o *operations) applyMaintenance(c *actors.Cluster) {
	var entries []route.Maintained
	for _, m := range o.state.Maintenance {
		mode, ok := route.ParseMaintenanceMode(m.Mode)
		if !ok || m.Cluster != "" && m.Cluster != c.Name {
			continue
		}
		entries = append(entries, route.Maintained{
			Cluster: c.Name, Broker: m.Broker, Topic: m.Topic, Mode: mode,
			Since: o.now() - int64(time.Since(m.Since)), Grace: fromSeconds(m.Grace),
		})
	}
	c.MaintainParts(entries)
}

func fromSeconds(n float64) time.Duration { return time.Duration(n * float64(time.Second)) }

func (o *operations) find(t admin.Target) int {
	return slices.IndexFunc(o.state.Maintenance, func(m admin.Maintained) bool { return m.Target == t })
}

// save keeps the state. What cannot be kept is in effect all the same.
func (o *operations) save() error {
	if err := o.file.save(&o.state); err != nil {
		o.log.Error("cannot save maintenance", "setting", "state_dir", "error", err)
		return fmt.Errorf("it is in effect, but will not survive a restart: %w", err)
	}
	return nil
}

// list is what is in maintenance.
func (o *operations) list() []admin.Maintained {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]admin.Maintained{}, o.state.Maintenance...)
}

// maintain puts something into maintenance; what was said of it by the API before no longer counts.
func (o *operations) maintain(m admin.Maintained) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.known(m.Target); err != nil {
		return err
	}
	i := o.find(m.Target)
	switch {
	case i < 0:
		o.state.Maintenance = append(o.state.Maintenance, m)
	case o.state.Maintenance[i].Source == admin.FromFile:
		return fmt.Errorf("cannot change the maintenance of %s: %w", m.Target, admin.ErrInFile)
	default:
		o.state.Maintenance[i] = m
	}
	o.log.Info("maintenance begins", append(facts(m.Target), "mode", m.Mode, "grace_seconds", fromSeconds(m.Grace).Seconds())...)
	return o.changed()
}

// endMaintenance puts something back into use.
func (o *operations) endMaintenance(t admin.Target) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	i := o.find(t)
	switch {
	case i < 0:
		return o.known(t)
	case o.state.Maintenance[i].Source == admin.FromFile:
		return fmt.Errorf("cannot end the maintenance of %s: %w", t, admin.ErrInFile)
	}
	o.state.Maintenance = slices.Delete(o.state.Maintenance, i, i+1)
	o.log.Info("maintenance ends", facts(t)...)
	return o.changed()
}

// facts are the keys of a line in the log.
func facts(t admin.Target) []any {
	return []any{"cluster", t.Cluster, "broker", t.Broker, "topic", t.Topic}
}

func (o *operations) changed() error {
	for _, c := range o.tree().Clusters {
		o.applyMaintenance(c)
	}
	return o.save()
}

// known reports a cluster or a broker that there is not.
func (o *operations) known(t admin.Target) error {
	_, err := o.clusters(t.Cluster, t.Broker)
	return err
}

// clusters are those that a cluster's and a broker's name, or "", stand for.
func (o *operations) clusters(cluster, broker string) (list []*actors.Cluster, err error) {
	found := false
	for _, c := range o.tree().Clusters {
		if cluster != "" && c.Name != cluster {
			continue
		}
		found = true
		has := slices.ContainsFunc(c.Snapshot().Brokers(), func(b *actors.Broker) bool { return b.ID.Name == broker })
		if broker == "" || has {
			list = append(list, c)
		}
	}
	switch {
	case !found:
		return nil, fmt.Errorf("cannot find cluster %q: %w", cluster, admin.ErrUnknown)
	case len(list) == 0:
		return nil, fmt.Errorf("cannot find broker %q: %w", broker, admin.ErrUnknown)
	}
	return list, nil
}
