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

// operations is an [admin.Operations]: what operators have taken out of use for a while: what is in maintenance, by the file and by the API, and
// which brokers are paused. Since when is told by the clock on the wall and kept in state_dir, so that neither a reload nor
// a restart begins the time of grace again.
//
// No file is written while mu is held: state_dir may be on a file system that does not answer.
type operations struct {
	mu    sync.Mutex
	log   *slog.Logger
	write func(operationsState) error // replaces the file
	keep  *stateKeeper                // nil: there is no state_dir
	now   func() int64                // the process clock
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
	o.log, o.now, o.tree = s.log, s.proxy.Now, s.proxy.Tree
	file := operationsFileOf(cfg)
	if o.state, err = file.load(); err != nil {
		return err
	}
	if file != "" {
		o.write, o.keep = file.save, s.keepers.of(string(file), s.log)
	}
	if kept := s.handover.Kept(); kept != nil { // what the predecessor knows is newer than its file
		var state operationsState
		if err := json.Unmarshal(kept, &state); err == nil {
			o.state = state
		}
	}
	s.handover.Keep(o.json)
	_ = o.configure(cfg.Maintenance)() // it is in the log
	return nil
}

// json is what a successor is told.
func (o *operations) json() json.RawMessage {
	o.mu.Lock()
	defer o.mu.Unlock()
	text, _ := json.Marshal(&o.state) // it can be
	return text
}

// configure takes what a configuration says. What it said before, or a predecessor has kept, goes on. saved waits until it
// is kept.
func (o *operations) configure(lines []config.Maintenance) (saved func() error) {
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
	return o.save()
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

// save has the state kept. What cannot be kept is in effect all the same. saved waits, and is for when mu is free again.
func (o *operations) save() (saved func() error) {
	if o.keep == nil {
		return func() error { return nil }
	}
	state := operationsState{slices.Clone(o.state.Maintenance), slices.Clone(o.state.Pauses)}
	kept := o.keep.keep(func() error { return o.write(state) })
	return func() error {
		if err := kept(); err != nil {
			o.log.Error("cannot save maintenance", "setting", "state_dir", "error", err)
			return fmt.Errorf("it is in effect, and will be saved when that is possible (state_dir): %w", err)
		}
		return nil
	}
}

// change changes the state and waits until that is kept.
func (o *operations) change(f func() error) error {
	o.mu.Lock()
	err := f()
	if err != nil {
		o.mu.Unlock()
		return err
	}
	saved := o.save()
	o.mu.Unlock()
	return saved()
}

// Maintenance is what is in maintenance.
func (o *operations) Maintenance() []admin.Maintained {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]admin.Maintained{}, o.state.Maintenance...)
}

// Maintain puts something into maintenance; what was said of it by the API before no longer counts.
func (o *operations) Maintain(m admin.Maintained) error {
	return o.change(func() error { return o.begin(m) })
}

func (o *operations) begin(m admin.Maintained) error {
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
	o.tellClusters()
	return nil
}

// EndMaintenance puts something back into use.
func (o *operations) EndMaintenance(t admin.Target) error {
	return o.change(func() error { return o.end(t) })
}

func (o *operations) end(t admin.Target) error {
	i := o.find(t)
	switch {
	case i < 0:
		return o.known(t)
	case o.state.Maintenance[i].Source == admin.FromFile:
		return fmt.Errorf("cannot end the maintenance of %s: %w", t, admin.ErrInFile)
	}
	o.state.Maintenance = slices.Delete(o.state.Maintenance, i, i+1)
	o.log.Info("maintenance ends", facts(t)...)
	o.tellClusters()
	return nil
}

// facts are the keys of a line in the log.
func facts(t admin.Target) []any {
	return []any{"cluster", t.Cluster, "broker", t.Broker, "topic", t.Topic}
}

func (o *operations) tellClusters() {
	for _, c := range o.tree().Clusters {
		o.applyMaintenance(c)
	}
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
