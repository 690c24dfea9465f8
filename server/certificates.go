package server

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"github.com/rocketmq-proxy/rocketmq-proxy/config"
	"github.com/rocketmq-proxy/rocketmq-proxy/exposition"
)

// certificates are the TLS files of all listeners and clusters, looked at every few seconds. Their contents are
// compared, not their times: that also sees a Kubernetes secret, whose directory is swapped by a symlink, and works
// on every file system.
type certificates struct {
	looking sync.Mutex // one reads files at a time; may be held for as long as a file system does not answer
	mu      sync.Mutex
	kept    []*keptTLS
	staged  []*keptTLS // loaded for a configuration that is not in effect yet
	set     *metrics.Set

	stop chan struct{}
	done chan struct{}
}

// lookEvery is how late a new certificate may be used. Reading a few small files costs nothing.
const lookEvery = 3 * time.Second

// keptTLS is the last good configuration that could be made of some files.
type keptTLS struct {
	kind, name string // "listener" or "cluster", as the label of metrics
	log        *slog.Logger
	files      tlsFiles
	current    atomic.Pointer[tls.Config]

	seen map[string][]byte // what was looked at last, good or bad
	bad  error             // why that is not used; nil: it is

	reloads, failures *metrics.Counter // set by describe, before look is called again
}

// keep loads files, unless they are kept already. They are looked at again only once the configuration that names them
// is in effect (commit); an error is one of the start or of the reload.
func (cs *certificates) keep(kind, name string, log *slog.Logger, files tlsFiles) (*keptTLS, error) {
	if k := cs.keeps(kind, name, files); k != nil {
		return k, nil
	}
	k := &keptTLS{kind: kind, name: name, log: log, files: files}
	cfg, text, err := load(files)
	if err != nil {
		return nil, err
	}
	k.seen = text
	k.current.Store(cfg)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.staged = append(cs.staged, k)
	return k, nil
}

// keeps finds what is kept already: a reload that changes something else of a listener asks again.
func (cs *certificates) keeps(kind, name string, files tlsFiles) *keptTLS {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, k := range cs.kept {
		if k.kind == kind && k.name == name && reflect.DeepEqual(k.files, files) {
			return k
		}
	}
	return nil
}

// commit puts a configuration into effect: what was staged is looked at and shown from now on, and what the
// configuration no longer names is not.
func (cs *certificates) commit(cfg *config.Config) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.kept = slices.DeleteFunc(cs.kept, func(old *keptTLS) bool {
		replaced := slices.ContainsFunc(cs.staged, func(k *keptTLS) bool { return k.kind == old.kind && k.name == old.name })
		gone := !names(cfg, old.kind, old.name)
		if replaced || gone {
			old.forget(cs.set, gone)
		}
		return replaced || gone
	})
	for _, k := range cs.staged {
		if expiry := k.expiry(); !expiry.IsZero() && time.Now().After(expiry) {
			k.log.Warn("certificate has expired", k.kind, k.name, "expires", stamp(expiry))
		}
		k.describe(cs.set)
	}
	cs.kept, cs.staged = append(cs.kept, cs.staged...), nil
}

// discard drops what was staged for a configuration that does not come into effect.
func (cs *certificates) discard() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.staged = nil
}

// names reports that a configuration has a listener or a cluster with TLS of a name.
func names(cfg *config.Config, kind, name string) bool {
	if kind == "cluster" {
		return slices.ContainsFunc(cfg.Clusters, func(c config.Cluster) bool { return c.Name == name && c.TLS.Enabled })
	}
	return slices.ContainsFunc(cfg.Listeners, func(l config.Listener) bool { return l.Name == name && l.TLS.Mode != config.TLSOff })
}

// look takes changed files into use. What is bad is logged once and changes nothing.
func (cs *certificates) look() {
	cs.looking.Lock()
	defer cs.looking.Unlock()
	cs.mu.Lock()
	kept := slices.Clone(cs.kept)
	cs.mu.Unlock()
	for _, k := range kept {
		text, err := read(k.files.paths())
		cs.mu.Lock()
		k.look(text, err)
		cs.mu.Unlock()
	}
}

// bad lists the files that are not used as they are, and why. They were logged when they were looked at first, but the
// answer to a reload is about now.
func (cs *certificates) bad() (lines []string) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, k := range cs.kept {
		if k.bad != nil {
			lines = append(lines, fmt.Sprintf("TLS files of %s %q: %v", k.kind, k.name, k.bad))
		}
	}
	return lines
}

func (cs *certificates) watch() {
	cs.stop, cs.done = make(chan struct{}), make(chan struct{})
	go func() {
		defer close(cs.done)
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-cs.stop:
				return
			case <-tick.C:
				cs.look()
			}
		}
	}()
}

// close ends the watch. One that waits for a file system does not hold the end of the process up.
func (cs *certificates) close() {
	close(cs.stop)
	select {
	case <-cs.done:
	case <-time.After(answerTimeout):
	}
}

// look compares what was read with what was read before.
func (k *keptTLS) look(text map[string][]byte, err error) {
	if maps.EqualFunc(text, k.seen, bytes.Equal) {
		return
	}
	k.seen = text
	var cfg *tls.Config
	if err == nil {
		cfg, err = k.files.build(text)
	}
	k.bad = err
	if err != nil {
		k.failures.Inc()
		k.log.Error("cannot reload TLS files, keeping the old ones", k.kind, k.name, "error", err, "expires", stamp(k.expiry()))
		return
	}
	k.current.Store(cfg)
	k.reloads.Inc()
	k.log.Info("TLS files reloaded for new connections", k.kind, k.name, "expires", stamp(k.expiry()))
}

// stamp is a time for logs, the same in text and JSON; "": there is none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// expiry is when the certificate in use, or one of its chain, expires; zero: there is no certificate.
func (k *keptTLS) expiry() (first time.Time) {
	for _, pair := range k.current.Load().Certificates {
		for _, der := range pair.Certificate {
			c, err := x509.ParseCertificate(der)
			if err == nil && (first.IsZero() || c.NotAfter.Before(first)) {
				first = c.NotAfter
			}
		}
	}
	return first
}

const (
	expiryMetric   = "rocketmq_proxy_tls_certificate_expiry_timestamp_seconds"
	insecureMetric = "rocketmq_proxy_tls_insecure_skip_verify"
	reloadsMetric  = "rocketmq_proxy_tls_reloads_total"
)

// metric is a metric of these files.
func (k *keptTLS) metric(family string, more ...string) string {
	return exposition.Name(family, append([]string{k.kind, k.name}, more...)...)
}

func (k *keptTLS) describe(set *metrics.Set) {
	if len(k.current.Load().Certificates) > 0 {
		set.NewGauge(k.metric(expiryMetric), func() float64 { return float64(k.expiry().Unix()) })
	}
	if k.kind == "cluster" {
		set.NewGauge(k.metric(insecureMetric), func() float64 { return number(k.current.Load().InsecureSkipVerify) })
	}
	k.reloads = set.GetOrCreateCounter(k.metric(reloadsMetric, "result", "success"))
	k.failures = set.GetOrCreateCounter(k.metric(reloadsMetric, "result", "failure"))
}

// forget ends the metrics; the counters only when nothing of the name comes after it.
func (k *keptTLS) forget(set *metrics.Set, gone bool) {
	set.UnregisterMetric(k.metric(expiryMetric))
	set.UnregisterMetric(k.metric(insecureMetric))
	if gone {
		set.UnregisterMetric(k.metric(reloadsMetric, "result", "success"))
		set.UnregisterMetric(k.metric(reloadsMetric, "result", "failure"))
	}
}
